// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileCgroups } from '../../../../../runtime/cgroups/compile-cgroups.ts'
import { compileExecCgroups } from '../../../../../runtime/cgroups/compile-exec-cgroups.ts'
import type { HostFacts, SystemdFacts } from '../../../../../runtime/facts/request.ts'
import type { Op } from '../../../../../runtime/plan/ops.ts'
import type { Spec } from '../../../../../spec/runtime/config.ts'
import type { LinuxResources } from '../../../../../spec/runtime/resources.ts'
import { factsOf, hybrid, unified } from '../hosts.ts'

const booted: SystemdFacts = {
  pid1Cgroup: '0::/init.scope\n',
  pid1Uid: 0,
  userCgroup: '/user.slice/user-1000.slice/user@1000.service',
  userControllers: 'cpu memory pids',
}

interface Options {
  readonly host?: Parameters<typeof factsOf>[0]
  readonly facts?: Partial<HostFacts>
  readonly rootless?: boolean
  readonly cgroupsPath?: string | undefined
  readonly resources?: LinuxResources
  readonly more?: Partial<Spec>
}

function compile({ host = unified, facts = {}, rootless = false, resources, more, ...rest }: Options = {}) {
  const cgroupsPath = 'cgroupsPath' in rest ? rest.cgroupsPath : 'a-b.slice:p:box'
  return compileCgroups({
    spec: { ociVersion: '1.2.0', ...more, linux: { cgroupsPath, resources } },
    id: 'box',
    facts: { ...factsOf(host), systemd: booted, ...facts },
    rootless,
    systemd: true,
    slots: { next: () => 0, count: 0 } as never,
  })
}

const user = { uid: 1000, gid: 1000 }
const ofKind = <K extends Op['kind']>(ops: readonly Op[], kind: K) =>
  ops.filter((op): op is Extract<Op, { kind: K }> => op.kind === kind)
const start = (options?: Options) => ofKind(compile(options).adopt, 'systemd-start')[0]

test('v2: the unit is started while init waits; then what it cannot say is written', () => {
  const plan = compile({ resources: { memory: { limit: 4096 } } })
  const dir = '/sys/fs/cgroup/a.slice/a-b.slice/p-box.scope'
  assert.equal([plan.killDir, plan.freezerFile, plan.paths], [dir, `${dir}/cgroup.freeze`, { '': dir }])
  assert.is(plan.cgroupSlot, null)
  assert.equal(
    plan.prepare.map(({ kind }) => kind),
    ['cgroup-vacant'],
  )
  const [first] = plan.adopt
  assert.is(first?.kind, 'systemd-start')
  assert.is(start()?.cgroup, '/a.slice/a-b.slice/p-box.scope')
  assert.ok(ofKind(plan.adopt, 'write-file').some(({ path, data }) => path === `${dir}/memory.max` && data === '4096'))
  assert.equal(ofKind(plan.adopt, 'join-pid'), [])
  assert.equal(
    plan.undo.map(({ kind }) => kind),
    ['cgroup-remove', 'systemd-stop'],
  )
})

test('properties that every unit has', () => {
  const names = start()?.properties.map((text) => text.slice(0, text.indexOf('='))) ?? []
  for (const name of ['Description', 'Slice', 'Delegate', 'DefaultDependencies', 'MemoryAccounting', 'DevicePolicy']) {
    assert.ok(names.includes(name), name)
  }
  const slice = start({ cgroupsPath: 'a.slice:p:own.slice' })
  assert.ok(!slice?.properties.some((text) => /^(Slice|Delegate)=/.test(text)))
  assert.is(slice?.cgroup, '')
  assert.is(
    start({ more: { annotations: { 'org.systemd.property.CPUWeight': 'uint64 5' } } })?.properties.at(-1),
    'CPUWeight=t 5',
  )
})

test('init joins a slice itself, as it does hierarchies of v1 that systemd leaves alone', () => {
  const joins = (options: Options) => ofKind(compile(options).adopt, 'join-pid').map(({ path }) => path)
  assert.equal(joins({ cgroupsPath: 'a.slice:p:own.slice' }), ['/sys/fs/cgroup/own.slice/cgroup.procs'])
  const v1 = joins({
    host: hybrid,
    facts: { systemd: { ...booted, pid1Cgroup: '1:name=systemd:/init.scope\n0::/\n' } },
  })
  assert.is(v1.length, 9)
  assert.ok(v1.includes('/sys/fs/cgroup/freezer/a.slice/a-b.slice/p-box.scope/tasks'))
  assert.ok(v1.includes('/sys/fs/cgroup/unified/a.slice/a-b.slice/p-box.scope/cgroup.procs'))
})

test('hybrid: both where the freezer is and where systemd is have to be vacant', () => {
  const paths = ofKind(compile({ host: hybrid }).prepare, 'cgroup-vacant').map(({ path }) => path.split('/')[4])
  assert.equal(paths, ['freezer', 'systemd', 'unified'])
})

test('the manager is the one of the host, or that of the login', () => {
  const bus = (options: Options): unknown => [start(options)?.bus, start(options)?.cgroup]
  const scope = '/a.slice/a-b.slice/p-box.scope'
  assert.equal(bus({}), ['system', scope])
  assert.equal(bus({ rootless: true, facts: user }), ['user', booted.userCgroup + scope])
  const inside = { uidMap: '         0     1000          1\n', uid: 0 }
  const podman = { ...inside, systemd: { ...booted, pid1Uid: 65534 } }
  assert.equal(bus({ rootless: true, facts: podman }), ['user', booted.userCgroup + scope])
  assert.equal(bus({ rootless: true, facts: inside }), ['system', scope], 'a container that was booted')
  const nested = { systemd: { ...booted, pid1Cgroup: '0::/machine.slice/c1.scope/init.scope\n' } }
  assert.equal(bus({ facts: nested }), ['system', `/machine.slice/c1.scope${scope}`])
})

test('a user makes no device rules, and asks for controllers below the own manager only', () => {
  const plan = compile({ rootless: true, facts: user, resources: { pids: { limit: 5 } } })
  assert.equal(ofKind(plan.adopt, 'device-filter'), [])
  assert.ok(!ofKind(plan.adopt, 'systemd-start')[0]?.properties.some((text) => text.startsWith('Device')))
  const asked = ofKind(plan.adopt, 'write-file').filter(({ path }) => path.endsWith('subtree_control'))
  assert.ok(asked.length > 0 && asked.every(({ path }) => path.includes('/user@1000.service/')), JSON.stringify(asked))
})

test('a limit that was not delegated is refused, with what to do', () => {
  const options = { rootless: true, facts: user }
  assert.throws(
    () => compile({ ...options, resources: { cpu: { cpus: '0' } } }),
    /^linux\.resources\.cpu\.cpus: the controller cpuset is not delegated to this user's systemd, which has: cpu memory pids;.*"Delegate=cpu cpuset io memory pids" to \/etc\/systemd\/system\/user@\.service\.d\/delegate\.conf/,
  )
  assert.throws(
    () => compile({ ...options, resources: { hugepageLimits: [{ pageSize: '2MB', limit: 1 }] } }),
    /controller hugetlb is none that systemd delegates to users/,
  )
  assert.throws(
    () => compile({ resources: { unified: { 'dmem.max': 'x' } } }),
    /controller dmem is not available on this host/,
  )
  // Without a limit it does not matter.
  assert.ok(compile({ ...options, facts: { ...user, systemd: { ...booted, userControllers: '' } } }))
})

test('where there is nobody to ask', () => {
  assert.throws(
    () => compile({ facts: { systemd: undefined } }),
    /^--systemd-cgroup: systemd does not run on this host/,
  )
  assert.throws(
    () => compile({ host: hybrid, rootless: true, facts: user }),
    /^--systemd-cgroup: without root it needs cgroup v2/,
  )
  assert.throws(() => compile({ facts: { mountinfo: '' } }), /^--systemd-cgroup: no cgroup hierarchy is mounted/)
})

test('exec: who is not below the manager has it move the process', () => {
  const dir = `/sys/fs/cgroup${booted.userCgroup}/user.slice/p-box.scope`
  const exec = (own: string, target = `${booted.userCgroup}/user.slice/p-box.scope`, options: string[] = []) =>
    compileExecCgroups({
      paths: { '': dir },
      targetCgroup: `0::${target}\n`,
      facts: { ...factsOf(unified), ...user, cgroup: `0::${own}\n` },
      slots: { next: () => 3, count: 0 } as never,
      cgroupOptions: options,
      rootless: true,
      systemd: true,
    })
  const below = exec(`${booted.userCgroup}/app.slice/x.service`)
  assert.equal([below.adopt, below.cgroupSlot], [[], 3])
  const outside = exec('/user.slice/user-1000.slice/session-1.scope')
  const shown = (ops: readonly Op[]) => ofKind(ops, 'systemd-attach').map(({ bus, unit, below: b }) => [bus, unit, b])
  assert.equal(shown(outside.adopt), [['user', 'p-box.scope', '']])
  assert.equal([outside.prepare, outside.cgroupSlot], [[], null])
  const moved = exec('/x', `${booted.userCgroup}/user.slice/p-box.scope/init.scope`)
  assert.equal(shown(moved.adopt), [['user', 'p-box.scope', '/init.scope']])
  assert.equal(shown(exec('/x', undefined, ['sub']).adopt), [['user', 'p-box.scope', '/sub']])
})

test.run()
