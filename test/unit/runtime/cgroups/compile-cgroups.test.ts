// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileCgroups } from '../../../../runtime/cgroups/compile-cgroups.ts'
import { compileExecCgroups } from '../../../../runtime/cgroups/compile-exec-cgroups.ts'
import type { FdSlot, Op } from '../../../../runtime/plan/ops.ts'
import type { Spec } from '../../../../spec/runtime/config.ts'
import type { LinuxResources } from '../../../../spec/runtime/resources.ts'
import { factsOf, hybrid, unified } from './hosts.ts'

interface Options {
  readonly host?: Parameters<typeof factsOf>[0] | undefined
  readonly cgroupsPath?: string
  readonly resources?: LinuxResources
  readonly rootless?: boolean
  readonly systemd?: boolean
  /** What the config has besides. */
  readonly more?: Partial<Spec>
}

function slots() {
  let count = 0
  return {
    next: () => count++ as FdSlot,
    get count() {
      return count
    },
  }
}

function compile({ host = hybrid, cgroupsPath, resources, more = {}, ...rest }: Options) {
  return compileCgroups({
    spec: { ociVersion: '1.2.0', ...more, linux: { ...more.linux, cgroupsPath, resources } },
    id: 'box',
    facts: factsOf(host),
    rootless: false,
    systemd: false,
    slots: slots() as never,
    ...rest,
  })
}

/** An op as one line: what it does to which path, `~` what it tolerates. */
function show(op: Op): string {
  const path = 'path' in op ? op.path : 'cgroup' in op ? op.cgroup : ''
  const data = 'data' in op ? ` ${op.data}` : ''
  const slot = 'slot' in op ? ` #${op.slot}` : ''
  const flags = op.kind.startsWith('cgroup-') && 'flags' in op && op.flags ? ` flags ${op.flags}` : ''
  const tolerate = op.tolerate?.length ? ` ~${op.tolerate.join()}` : ''
  return `${op.kind} ${path}${data}${flags}${slot}${tolerate}`.replace('  ', ' ')
}

const isNotDevice = (line: string) => !/devices\.(allow|deny)/.test(line)

test('hybrid: limits before the join, tasks to join by, the unified one by clone', () => {
  const plan = compile({
    cgroupsPath: '/pods/box',
    resources: { memory: { limit: 524288 }, cpu: { cpus: '0', shares: 512 }, pids: { limit: 7 } },
  })
  assert.equal(plan.prepare.map(show).filter(isNotDevice), [
    'cgroup-vacant /sys/fs/cgroup/freezer/pods/box ~ENOENT',
    'cgroup-make /sys/fs/cgroup/cpu,cpuacct/pods/box',
    'write-file /sys/fs/cgroup/cpu,cpuacct/pods/box/cpu.shares 512',
    'open /sys/fs/cgroup/cpu,cpuacct/pods/box/tasks #0',
    'cgroup-make /sys/fs/cgroup/cpuset/pods/box flags 1',
    'write-file /sys/fs/cgroup/cpuset/pods/box/cpuset.cpus 0',
    'open /sys/fs/cgroup/cpuset/pods/box/tasks #1',
    'cgroup-make /sys/fs/cgroup/memory/pods/box',
    'write-file /sys/fs/cgroup/memory/pods/box/memory.limit_in_bytes 524288',
    'open /sys/fs/cgroup/memory/pods/box/tasks #2',
    'cgroup-make /sys/fs/cgroup/devices/pods/box',
    'open /sys/fs/cgroup/devices/pods/box/tasks #3',
    'cgroup-make /sys/fs/cgroup/freezer/pods/box',
    'open /sys/fs/cgroup/freezer/pods/box/tasks #4',
    'cgroup-make /sys/fs/cgroup/pids/pods/box',
    'write-file /sys/fs/cgroup/pids/pods/box/pids.max 7',
    'open /sys/fs/cgroup/pids/pods/box/tasks #5',
    'cgroup-make /sys/fs/cgroup/blkio/pods/box',
    'open /sys/fs/cgroup/blkio/pods/box/tasks #6',
    'cgroup-make /sys/fs/cgroup/systemd/pods/box',
    'open /sys/fs/cgroup/systemd/pods/box/tasks #7',
    'cgroup-make /sys/fs/cgroup/unified/pods/box',
    'open /sys/fs/cgroup/unified/pods/box #8',
  ])
  assert.is(plan.mode, 'hybrid')
  assert.is(plan.cgroupSlot, 8)
  assert.equal(
    plan.setup.map(show),
    [0, 1, 2, 3, 4, 5, 6, 7].map((slot) => `join-cgroup #${slot}`),
  )
  assert.is(show(plan.undo[0] as Op), 'cgroup-remove /sys/fs/cgroup/freezer/pods/box flags 1')
  assert.is(plan.undo.length, 9)
  assert.is(plan.killDir, '/sys/fs/cgroup/freezer/pods/box')
  assert.is(plan.freezerFile, '/sys/fs/cgroup/freezer/pods/box/freezer.state')
  assert.is(plan.paths['cpuacct'], '/sys/fs/cgroup/cpu,cpuacct/pods/box')
  assert.is(plan.paths['name=systemd'], '/sys/fs/cgroup/systemd/pods/box')
  assert.is(plan.paths[''], '/sys/fs/cgroup/unified/pods/box')
  const limit = plan.prepare.find((op) => show(op).includes('limit_in_bytes'))
  assert.is(limit?.cause, '/linux/resources/memory/limit')
  assert.is(limit?.label, 'linux.resources.memory.limit')
  assert.is(plan.prepare[1]?.label, 'linux.cgroupsPath (/pods/box) [cpu,cpuacct]')
})

test('v1: the freezer stops and continues', () => {
  const { pause, resume } = compile({ cgroupsPath: '/box' })
  const file = '/sys/fs/cgroup/freezer/box/freezer.state'
  assert.equal(pause.map(show), [`write-file ${file} FROZEN`, `wait-file ${file}`])
  assert.equal(resume.map(show), [`write-file ${file} THAWED`])
})

test('without cgroupsPath the container lies below the caller, hierarchy by hierarchy', () => {
  const { paths } = compile({})
  assert.is(paths['pids'], '/sys/fs/cgroup/pids/box')
  assert.is(paths['memory'], '/sys/fs/cgroup/memory/jobs/a/box')
  assert.is(compile({ host: unified }).paths[''], '/sys/fs/cgroup/user.slice/box')
})

test('v2: controllers are handed down, limits written, init is cloned into the cgroup', () => {
  const plan = compile({
    host: unified,
    cgroupsPath: '/pods/box',
    resources: { memory: { limit: 524288 }, pids: { limit: 7 }, devices: [] },
  })
  const all = '+cpuset +cpu +io +memory +hugetlb +pids +rdma'
  const tolerated = '~ENOENT,EPERM,EINVAL,ENOSYS,EBUSY,EROFS'
  const control = (path: string, data: string) =>
    `write-file /sys/fs/cgroup${path}/cgroup.subtree_control ${data} ${tolerated}`
  assert.equal(plan.prepare.map(show), [
    'cgroup-vacant /sys/fs/cgroup/pods/box ~ENOENT',
    'cgroup-make /sys/fs/cgroup/pods/box',
    control('', all),
    control('', '+memory +pids'),
    control('/pods', all),
    control('/pods', '+memory +pids'),
    'write-file /sys/fs/cgroup/pods/box/pids.max 7',
    'write-file /sys/fs/cgroup/pods/box/memory.max 524288',
    'device-filter /sys/fs/cgroup/pods/box',
    'open /sys/fs/cgroup/pods/box #0',
  ])
  assert.equal(plan.setup, [])
  assert.is(plan.cgroupSlot, 0)
  assert.equal(plan.undo.map(show), ['cgroup-remove /sys/fs/cgroup/pods/box flags 1'])
  assert.equal(plan.paths, { '': '/sys/fs/cgroup/pods/box' })
  assert.equal(plan.pause.map(show), [
    'write-file /sys/fs/cgroup/pods/box/cgroup.freeze 1',
    'wait-file /sys/fs/cgroup/pods/box/cgroup.events',
  ])
  assert.is(plan.freezerFile, '/sys/fs/cgroup/pods/box/cgroup.freeze')
})

test('v2: a cgroup to make others in belongs to the user of the container', () => {
  const owners = (more: Partial<Spec>, options: Partial<Options> = {}) =>
    compile({ host: unified, cgroupsPath: '/box', more, ...options }).prepare.flatMap((op) =>
      op.kind === 'chown'
        ? [`${op.path.replace('/sys/fs/cgroup/box', '.')} ${op.uid} ${op.gid} ${op.tolerate ?? ''}`]
        : [],
    )
  const mount = (...options: string[]) => [
    { destination: '/sys/fs/cgroup/', type: 'cgroup', source: 'cgroup', options },
  ]
  const cgroup = { type: 'cgroup' } as const
  const uidMappings = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100000, size: 65535 },
  ]
  const mapped = { namespaces: [cgroup, { type: 'user' } as const], uidMappings }
  const user = (uid: number) => ({ user: { uid, gid: 0 }, args: ['sh'], cwd: '/' })
  const all = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'memory.oom.group', 'memory.reclaim']
  assert.equal(owners({ process: user(5), mounts: mount('nosuid'), linux: mapped }), [
    '. 100004 4294967295 ',
    ...all.map((name) => `./${name} 100004 4294967295 ENOENT`),
  ])
  const first = (...args: Parameters<typeof owners>) => owners(...args)[0]
  assert.is(first({ process: user(0), mounts: mount('ro', 'rw'), linux: mapped }), '. 1000 4294967295 ')
  assert.is(first({ process: user(7), mounts: mount(), linux: { namespaces: [cgroup] } }), '. 7 4294967295 ')
  // Not where it is not asked for, nor needed, nor known whom to give it to.
  assert.is(first({ process: user(0), mounts: mount(), linux: { namespaces: [cgroup] } }), undefined)
  assert.is(first({ process: user(7), mounts: mount('rw', 'ro'), linux: { namespaces: [cgroup] } }), undefined)
  assert.is(first({ process: user(7), mounts: mount('rro'), linux: { namespaces: [cgroup] } }), undefined)
  assert.is(first({ process: user(7), mounts: [], linux: { namespaces: [cgroup] } }), undefined)
  assert.is(first({ process: user(7), mounts: mount(), linux: {} }), undefined)
  assert.is(first({ process: user(7), mounts: mount(), linux: { namespaces: [{ ...cgroup, path: '/x' }] } }), undefined)
  assert.is(first({ process: user(70000), mounts: mount(), linux: mapped }), undefined)
  const joined = { ...mapped, namespaces: [cgroup, { type: 'user' as const, path: '/x' }] }
  assert.is(first({ process: user(5), mounts: mount(), linux: joined }), undefined)
  assert.is(first({ process: user(5), mounts: mount(), linux: mapped }, { rootless: true }), undefined)
  assert.is(first({ process: user(5), mounts: mount(), linux: mapped }, { host: hybrid }), undefined)
})

test('rootless without limits does without cgroups it may not make', () => {
  const plan = compile({ rootless: true, host: { ...hybrid, uidMap: '0 1000 1\n' } })
  for (const op of plan.prepare) {
    assert.ok(op.tolerate?.includes('EPERM') && op.tolerate.includes('EROFS'), show(op))
  }
  assert.not.ok(
    plan.prepare.some((op) => !isNotDevice(show(op))),
    'no device rules in a userns',
  )
  const v2 = compile({ rootless: true, host: { ...unified, uidMap: '0 1000 1\n' } })
  assert.not.ok(v2.prepare.some((op) => op.kind === 'device-filter'))
  for (const op of v2.prepare) assert.ok(op.tolerate?.includes('EPERM'), show(op))
})

test('rootless with a limit or a path insists on its cgroup', () => {
  const limited = compile({ rootless: true, resources: { pids: { limit: 5 } } })
  const make = (plan: typeof limited, name: string) =>
    plan.prepare.find((op) => show(op).startsWith(`cgroup-make /sys/fs/cgroup/${name}`))
  assert.equal(make(limited, 'pids')?.tolerate, [])
  assert.ok(make(limited, 'freezer')?.tolerate?.includes('EPERM'))
  assert.equal(make(compile({ rootless: true, cgroupsPath: '/x' }), 'freezer')?.tolerate, [])
  const v2 = compile({ rootless: true, host: unified, resources: { pids: { limit: 5 } } })
  assert.equal(make(v2, '')?.tolerate, [])
})

test('a host without cgroups is an error only when something was to be limited', () => {
  const host = { ...unified, mountinfo: '' }
  const plan = compile({ host, resources: { memory: {}, devices: [], blockIO: { weight: undefined } } })
  assert.is(plan.mode, 'none')
  assert.equal(plan.prepare, [])
  assert.is(plan.killDir, '')
  assert.throws(
    () => compile({ host, resources: { pids: { limit: 1 } } }),
    /^linux\.resources\.pids: no cgroup hierarchy is mounted/,
  )
  const devices = [{ allow: false, access: 'rwm' }]
  assert.throws(() => compile({ host, resources: { devices } }), /linux\.resources\.devices/)
  assert.is(compile({ host, rootless: true, resources: { devices } }).mode, 'none')
})

test('names the controller that a limit lacks', () => {
  assert.throws(
    () => compile({ resources: { rdma: { mlx: { hcaHandles: 1 } } } }),
    /^linux\.resources\.rdma\.mlx: no cgroup v1 hierarchy with the controller rdma is mounted/,
  )
  assert.throws(
    () =>
      compile({
        host: { ...unified, cgroupControllers: 'cpu pids' },
        resources: { memory: { limit: 1 } },
      }),
    /^linux\.resources\.memory\.limit: the controller memory is not available .*cpu pids/,
  )
  const noDevices = hybrid.mountinfo.replace(/.*rw,devices\n/, '')
  assert.throws(
    () => compile({ host: { ...hybrid, mountinfo: noDevices } }),
    /^linux\.resources\.devices: no cgroup v1 hierarchy with the controller devices/,
  )
})

test('warns of what kernels no longer have, but for what spec/ tells already', () => {
  const { warnings } = compile({ resources: { memory: { kernel: 1, useHierarchy: false } } })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', 'linux.resources.memory.useHierarchy')
  const tcp = { memory: { kernelTCP: 1 } }
  assert.equal(compile({ resources: tcp }).warnings, [])
  const [onV2 = ''] = compile({ resources: tcp, host: unified }).warnings
  assert.match(onV2, /^linux\.resources\.memory\.kernelTCP: ignored/)
})

test('refuses the systemd driver by name', () => {
  assert.throws(() => compile({ systemd: true }), /^--systemd-cgroup: /)
})

function exec(
  paths: Record<string, string>,
  {
    host = unified,
    target = '',
    options = [],
    rootless = false,
  }: { host?: Options['host']; target?: string; options?: string[]; rootless?: boolean },
) {
  return compileExecCgroups({
    paths,
    targetCgroup: target,
    facts: factsOf(host),
    slots: slots() as never,
    cgroupOptions: options,
    rootless,
  })
}

const v1Paths = {
  cpu: '/sys/fs/cgroup/cpu,cpuacct/box',
  cpuacct: '/sys/fs/cgroup/cpu,cpuacct/box',
  memory: '/sys/fs/cgroup/memory/box',
  '': '/sys/fs/cgroup/unified/box',
}

test('exec: joins each directory once; one that is gone is skipped', () => {
  const { prepare, setup, cgroupSlot } = exec(v1Paths, { host: hybrid })
  assert.equal(prepare.map(show), [
    'open /sys/fs/cgroup/cpu,cpuacct/box/tasks #0 ~ENOENT',
    'open /sys/fs/cgroup/memory/box/tasks #1 ~ENOENT',
    'open /sys/fs/cgroup/unified/box #2 ~ENOENT',
  ])
  assert.equal(setup.map(show), ['join-cgroup #0', 'join-cgroup #1'])
  assert.is(cgroupSlot, 2)
})

test('exec: --cgroup names a cgroup below the one of the container', () => {
  const open = (options: string[]) => exec(v1Paths, { host: hybrid, options }).prepare.map(show)
  assert.equal(open(['sub/x']), [
    'open /sys/fs/cgroup/cpu,cpuacct/box/sub/x/tasks #0',
    'open /sys/fs/cgroup/memory/box/sub/x/tasks #1',
    'open /sys/fs/cgroup/unified/box/sub/x #2',
  ])
  assert.equal(open(['cpu,cpuacct:a', 'memory:b']), [
    'open /sys/fs/cgroup/cpu,cpuacct/box/a/tasks #0',
    'open /sys/fs/cgroup/memory/box/b/tasks #1',
    'open /sys/fs/cgroup/unified/box #2 ~ENOENT',
  ])
  const refused: [string[], RegExp][] = [
    [['../other'], /bad sub cgroup path/],
    [['a', 'b'], /missing <controller>: prefix/],
    [[':a'], /empty <controller> prefix/],
    [['cpu:a', 'cpu:b'], /controller cpu specified multiple times/],
    [['hugetlb:a'], /unknown controller hugetlb/],
  ]
  for (const [options, message] of refused) {
    assert.throws(
      () => open(options),
      (error: Error) => message.test(error.message),
    )
  }
})

test('exec without root: the cgroup that was asked for must be there, that of the container need not', () => {
  const opened = (options: string[]) =>
    show(
      exec({ '': '/sys/fs/cgroup/pods/box' }, { target: '0::/pods/box\n', options, rootless: true }).prepare[0] as Op,
    )
  assert.is(opened([]), 'open /sys/fs/cgroup/pods/box #0 ~ENOENT,EPERM')
  assert.is(opened(['sub']), 'open /sys/fs/cgroup/pods/box/sub #0')
})

test('exec on v2: follows init into a cgroup of its own below the container', () => {
  const place = (target: string, options: string[] = []) =>
    show(exec({ '': '/sys/fs/cgroup/pods/box' }, { target, options }).prepare[0] as Op)
  assert.is(place('0::/pods/box\n'), 'open /sys/fs/cgroup/pods/box #0')
  assert.is(place('0::/pods/box/init.scope\n'), 'open /sys/fs/cgroup/pods/box/init.scope #0')
  assert.is(place('0::/elsewhere\n'), 'open /sys/fs/cgroup/pods/box #0')
  assert.is(place('0::/pods/box/../../x\n'), 'open /sys/fs/cgroup/pods/box #0')
  assert.is(place('0::/pods/box/init.scope\n', ['own']), 'open /sys/fs/cgroup/pods/box/own #0')
})

test.run()
