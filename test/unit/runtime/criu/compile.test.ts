// SPDX-License-Identifier: Apache-2.0
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type CheckpointInput,
  checkpointOptions,
  compileCheckpoint,
} from '../../../../runtime/criu/compile-checkpoint.ts'
import { compileRestore, type RestoreInput } from '../../../../runtime/criu/compile-restore.ts'
import { encodeCriuRequest } from '../../../../cmd/tsrun/encode-criu.ts'
import { checkPlan } from '../../../../runtime/plan/check.ts'
import { decodePlan } from '../../../../runtime/plan/decode.ts'
import { encodePlan } from '../../../../runtime/plan/encode.ts'
import type { PlanRequest } from '../../../../runtime/facts/request.ts'
import type { Plan } from '../../../../runtime/plan/plan.ts'
import type { Spec } from '../../../../spec/runtime/config.ts'
import { makeFacts, makeRequest, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { refusalOf } from '../compile/requests.ts'

const test = suite('criu')

const unified = '25 24 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
const facts = makeFacts({ cwd: '/here', mountinfo: makeFacts().mountinfo + unified, cgroup: '0::/user\n' })

function request(
  verb: PlanRequest['verb'],
  options: Readonly<Record<string, string | readonly string[]>> = {},
): PlanRequest {
  return makeRequest({ verb, facts, options: new Map(Object.entries(options)), target: { pid: 4711, cgroup: '' } })
}

/** What a host makes of a path where there are no links. */
function withoutDots(path: string): string {
  return path.replace(/(?:\/\.)+(?=\/|$)/g, '')
}

const checkpointInput: CheckpointInput = {
  criu: '/usr/sbin/criu',
  encode: encodeCriuRequest,
  configFile: '/etc/criu/runc.conf',
  rootfs: '/bundle/rootfs',
  freezerFile: '/sys/fs/cgroup/box/cgroup.freeze',
  cgroup: '0::/box\n',
  cgroupPaths: { '': '/sys/fs/cgroup/box' },
  namespaceInodes: {},
  mounts: [],
  resolve: (path) => path,
  follow: withoutDots,
}

const restoreInput: RestoreInput = {
  criu: '/usr/sbin/criu',
  encode: encodeCriuRequest,
  configFile: '/etc/criu/runc.conf',
  resolve: (path) => path,
  follow: withoutDots,
  reaches: () => true,
  hasParent: false,
  pipes: [],
}

const options = (
  flags: Parameters<typeof request>[1] = {},
  spec: Spec = makeSpec(),
  input: Partial<CheckpointInput> = {},
) => checkpointOptions(request('checkpoint', flags), spec, { ...checkpointInput, ...input })

/** A message of protobuf as lines: numbers of fields and their values; those in `inside` are messages themselves. */
function show(bytes: Uint8Array, inside: readonly number[] = [], prefix = ''): readonly string[] {
  const reader = new BinaryReader(bytes)
  const lines: string[] = []
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (type === WireType.Varint) lines.push(`${prefix}${number}=${reader.int32()}`)
    else if (inside.includes(number)) lines.push(...show(reader.bytes(), [], `${prefix}${number}.`))
    else lines.push(`${prefix}${number}=${new TextDecoder().decode(reader.bytes())}`)
  }
  return lines
}

/** Of criu_req, its criu_opts. */
function showRequest(bytes: Uint8Array): readonly string[] {
  const reader = new BinaryReader(bytes)
  const lines: string[] = []
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (type === WireType.Varint) lines.push(`type=${reader.int32()}`)
    else if (number === 2) lines.push(...show(reader.bytes(), [11, 25, 27, 39]))
  }
  return lines
}

function requestOf(plan: Plan): readonly string[] {
  const call = plan.sections.commit.find(({ kind }) => kind === 'criu-call')
  if (call?.kind !== 'criu-call' || typeof call.request === 'string') throw new Error('no call of criu')
  return showRequest(call.request)
}

/** What the executor would say of it. */
function checked(plan: Plan): Plan {
  checkPlan(plan)
  assert.equal(decodePlan(encodePlan(plan)).sections.setup.length, plan.sections.setup.length)
  return plan
}

test('numbers of fields and types are those of criu', () => {
  const bytes = encodeCriuRequest('restore', {
    ...options({ 'page-server': '10.0.0.1:27' }),
    external: ['mnt[/a]:/b'],
    cgroupRoots: [{ controller: '', path: '/box' }],
    inheritFds: [{ key: 'pipe:[1]', fd: 2 }],
    joinNamespaces: [{ type: 'uts', path: '/ns' }],
  })
  const lines = showRequest(bytes)
  for (const line of ['type=2', '1=100', '17=101', '2=4711', '9=4', '10=dump.log', '12=1', '50=1', '38=1073741824']) {
    assert.ok(lines.includes(line), line)
  }
  for (const line of [
    '37=mnt[/a]:/b',
    '11.1=10.0.0.1',
    '11.2=27',
    '25.1=',
    '25.2=/box',
    '27.1=pipe:[1]',
    '27.2=2',
    '39.1=uts',
    '39.2=/ns',
  ]) {
    assert.ok(lines.includes(line), line)
  }
})

test('checkpoint: flags', () => {
  assert.equal(options().leaveRunning, false)
  const all = options({
    'leave-running': 'true',
    'tcp-established': 'true',
    'tcp-skip-in-flight': 'true',
    'link-remap': 'true',
    'ext-unix-sk': 'true',
    'shell-job': 'true',
    'file-locks': 'true',
    'auto-dedup': 'true',
    'lazy-pages': 'true',
    'manage-cgroups-mode': 'ignore',
    'network-lock': 'nftables',
    'parent-path': '../before',
    'empty-ns': ['network'],
  })
  const {
    leaveRunning,
    tcpEstablished,
    tcpSkipInFlight,
    linkRemap,
    extUnixSk,
    shellJob,
    fileLocks,
    autoDedup,
    lazyPages,
  } = all
  assert.ok(
    [
      leaveRunning,
      tcpEstablished,
      tcpSkipInFlight,
      linkRemap,
      extUnixSk,
      shellJob,
      fileLocks,
      autoDedup,
      lazyPages,
    ].every(Boolean),
  )
  assert.is(all.manageCgroupsMode, 0)
  assert.is(all.networkLock, 2)
  assert.is(all.parentImg, '../before')
  assert.is(all.trackMem, true)
  assert.is(all.freezeCgroup, '/sys/fs/cgroup/box')
  assert.is(options().manageCgroupsMode, 6)
})

test('checkpoint: hierarchies where the container has no cgroup of its own are left out', () => {
  const cgroup = '4:name=systemd:/c\n3:cpu,cpuacct:/c\n2:net_cls:/\n0::/\n'
  const cpu = { cpu: '/sys/fs/cgroup/cpu/c', cpuacct: '/sys/fs/cgroup/cpu/c' }
  const of = (cgroupPaths: Readonly<Record<string, string>>) => options({}, makeSpec(), { cgroup, cgroupPaths })
  const some = of({ ...cpu, 'name=systemd': '/sys/fs/cgroup/systemd/c' })
  assert.equal(some.dumpControllers, ['name=systemd', 'cpu,cpuacct'])
  assert.equal(
    showRequest(encodeCriuRequest('dump', some)).filter((line) => line.startsWith('43=')),
    ['43=name=systemd', '43=cpu,cpuacct'],
  )
  const all = { ...cpu, 'name=systemd': '/s/c', net_cls: '/n/c', '': '/u/c' }
  assert.is(of(all).dumpControllers, undefined)
  assert.equal(of({ '': '/u/c' }).dumpControllers, [''])
  assert.is(of({}).dumpControllers, undefined)
  assert.is(options().dumpControllers, undefined)
})

test('checkpoint: what is refused', () => {
  assert.match(
    refusalOf(() => options({ 'parent-path': '/abs' })),
    /--parent-path must be relative/,
  )
  assert.match(
    refusalOf(() => options({ 'manage-cgroups-mode': 'x' })),
    /--manage-cgroups-mode.*soft, full, strict, ignore/,
  )
  assert.match(
    refusalOf(() => options({ 'page-server': 'x' })),
    /ADDRESS:PORT/,
  )
  assert.match(
    refusalOf(() => options({ 'page-server': 'x:70000' })),
    /ADDRESS:PORT/,
  )
  assert.match(
    refusalOf(() => options({ 'empty-ns': ['ipc'] })),
    /"ipc" is not supported/,
  )
  const mapped = {
    destination: '/d',
    source: '/s',
    options: ['bind', 'idmap'],
    uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
  }
  assert.match(
    refusalOf(() => options({}, makeSpec({ mounts: [mapped] }))),
    /mounts\[0\].*id-mapped/,
  )
})

test('the file with options of criu: annotation, default, none', () => {
  const file = (annotations?: Record<string, string>) =>
    options({}, makeSpec(annotations === undefined ? {} : { annotations })).configFile
  assert.is(file(), '/etc/criu/runc.conf')
  assert.is(file({ 'org.criu.config': '/my.conf' }), '/my.conf')
  assert.is(file({ 'org.criu.config': '' }), undefined)
})

test("checkpoint: mounts that are the host's are named by their destinations", () => {
  const spec = makeSpec({
    mounts: [
      { destination: '/data', source: '/to-srv/.', options: ['rbind'] },
      { destination: '/link', source: '/x', options: ['bind'] },
      { destination: '/gone', source: '/y', options: ['bind'] },
      { destination: '/proc', type: 'proc' },
    ],
    linux: { maskedPaths: ['/proc/kcore', '/proc/acpi'] },
  })
  const at = (mountPoint: string, root = '/', type = 'ext4') => ({ mountPoint, root, type })
  const mounts = [
    at('/'),
    at('/data', '/srv'),
    at('/data/disk'),
    at('/data/own', '/', 'tmpfs'),
    at('/real', '/x'),
    at('/proc', '/', 'proc'),
    at('/proc/kcore', '/null', 'devtmpfs'),
    at('/proc/acpi', '/', 'tmpfs'),
    at('/run/notify', '/tsrun/box/notify'),
  ]
  const host = makeRequest({
    verb: 'checkpoint',
    facts: { ...facts, mountinfo: `${facts.mountinfo}30 1 8:2 / /srv/disk rw - ext4 /dev/sdb rw\n` },
  })
  const { external } = checkpointOptions(host, spec, {
    ...checkpointInput,
    mounts,
    resolve: (path) => path.replace('/link', '/real'),
    follow: (path) => withoutDots(path).replace('/to-srv', '/srv'),
  })
  assert.equal(external, [
    'mnt[/data]:/data',
    'mnt[/data/disk]:/data/disk',
    'mnt[/real]:/link',
    'mnt[/run/notify]:/run/notify',
    'mnt[/proc/kcore]:/dev/null',
  ])
})

test('namespaces with a path: left to others at a checkpoint, given or joined at a restore', () => {
  assert.equal(options({}, makeSpec(), { namespaceInodes: { network: 17, pid: 18 } }).external, [
    'net[17]:extRootNetNS',
    'pid[18]:extRootPidNS',
  ])
  const types = [
    ...namespaces('mount'),
    { type: 'network', path: '/n' },
    { type: 'pid', path: '/p' },
    { type: 'ipc', path: '/i' },
  ] as const
  const plan = checked(compileRestore(request('restore'), makeSpec({ linux: { namespaces: types } }), restoreInput))
  const lines = requestOf(plan)
  for (const line of ['27.1=extRootNetNS', '27.2=102', '27.1=extRootPidNS', '27.2=103', '39.1=ipc', '39.2=/i']) {
    assert.ok(lines.includes(line), line)
  }
  assert.equal(
    showOps(plan.sections.start).map((line) => line.replace(/#\d+/, '#')),
    ['number-fd # 102', 'number-fd # 103', 'exec-criu # /usr/sbin/criu'],
  )
  const cgroup = makeSpec({ linux: { namespaces: [...namespaces('mount'), { type: 'cgroup', path: '/c' }] } })
  assert.match(
    refusalOf(() => compileRestore(request('restore'), cgroup, restoreInput)),
    /namespaces\[1\].*cgroup/,
  )
})

test('the plan of checkpoint: directories, criu, one call', () => {
  const flags = { 'image-path': 'images/', 'work-path': '/var/w', 'status-fd': '5', 'pre-dump': 'true' }
  const plan = checked(compileCheckpoint(request('checkpoint', flags), makeSpec(), checkpointInput))
  assert.equal(showOps(plan.sections.setup), [
    'open /here/images 65536 #1',
    'number-fd #1 100',
    'open /var/w 65536 #2',
    'number-fd #2 101',
    'criu-socket #0',
  ])
  assert.is(requestOf(plan)[0], 'type=4')
  const [call] = plan.sections.commit
  assert.is(call?.kind === 'criu-call' && call.status, 5)
})

test('the plan of restore: mount points are made, then criu gets a fresh root', () => {
  const spec = makeSpec({
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/dev', type: 'tmpfs' },
      { destination: '/dev/pts', type: 'devpts' },
      { destination: '/data', source: './data/.', options: ['bind'] },
    ],
    hooks: { prestart: [{ path: '/p' }], startContainer: [{ path: '/s' }], poststart: [{ path: '/t' }] },
  })
  const plan = checked(compileRestore(request('restore', { 'tcp-close': 'true' }), spec, restoreInput))
  const setup = showOps(plan.sections.setup).filter((line) => /^(criu-root|ensure|move)/.test(line))
  assert.equal(
    setup.map((line) => line.replace(/#\d+/g, '#')),
    [
      'criu-root # /run/tsrun/box/criu-root',
      'ensure /dev 0 0755 #',
      'ensure /data 2 # 0755 #',
      'move # #',
      'criu-root # /run/tsrun/box/criu-root',
    ],
  )
  assert.equal(
    plan.sections.hooks.map((op) => op.kind),
    ['loopback-of-init', 'hook'],
  )
  assert.equal(showOps(plan.sections.poststart), ['readonly-root-of-init'])
  assert.equal(showOps(plan.sections.commit.slice(0, 1)), ['criu-scratch /bundle/rootfs/tmp'])
  const lines = requestOf(plan)
  for (const line of [
    'type=2',
    '13=/run/tsrun/box/criu-root',
    '26=1',
    '52=1',
    '25.2=/box',
    '37=mnt[/data]:/bundle/data',
    '37=mnt[/dev/null]:/dev/null',
    '37=mnt[/run/notify]:/run/tsrun/box/notify',
  ]) {
    assert.ok(lines.includes(line), `${line} in ${lines.join(' ')}`)
  }
})

test('the image of a container with a user namespace is mapped, unless it adds to another', () => {
  const ids = [{ containerID: 0, hostID: 1000, size: 10 }]
  const spec = makeSpec({ linux: { namespaces: namespaces('mount', 'user'), uidMappings: ids, gidMappings: ids } })
  const mapped = (hasParent: boolean): boolean =>
    compileRestore(request('restore'), spec, { ...restoreInput, hasParent }).sections.prepare.some(
      ({ kind }) => kind === 'idmap-userns',
    )
  assert.is(mapped(false), true)
  assert.is(mapped(true), false)
})

test.run()
