// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { capabilityMask, capabilityNames } from '../../../../runtime/compile/capabilities.ts'
import { toNumberList, toNumberMask } from '../../../../runtime/compile/number-mask.ts'
import { toEnvironment } from '../../../../runtime/compile/environment.ts'
import { find, kindsOf, planOf, refusalOf } from './requests.ts'

const test = suite('process')
const filter = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ALLOW' }] }
const ADMIN = capabilityMask(['CAP_SYS_ADMIN'])
const CHOWN = 1n

test('of a variable that is given twice the last one counts', () => {
  assert.equal(toEnvironment(['A=1', 'B=2', 'A=3', 'C=', 'HOME=']), ['B=2', 'A=3', 'C='])
  assert.equal(toEnvironment(['HOME=/a', 'HOME=']), [])
  assert.equal(toEnvironment([]), [])
})

test('HOME is looked up only when it is absent or empty', () => {
  assert.is(find(planOf({ process: { user: { uid: 7, gid: 8 } } }), 'drop', 'home').uid, 7)
  assert.ok(kindsOf(planOf({ process: { env: ['HOME='] } }), 'drop').includes('home'))
  assert.not.ok(kindsOf(planOf({ process: { env: ['HOME=/x'] } }), 'drop').includes('home'))
})

test('capability masks', () => {
  assert.is(capabilityMask(undefined), 0n)
  assert.is(capabilityMask(['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE', 'CAP_NO_SUCH']), (1n << 40n) | 1n)
  assert.equal(capabilityNames((1n << 40n) | 1n), ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'])
})

test('without capabilities all sets are empty', () => {
  const { effective, permitted, inheritable, ambient } = find(planOf(), 'drop', 'caps')
  assert.equal([effective, permitted, inheritable, ambient], [0n, 0n, 0n, 0n])
  assert.is(find(planOf(), 'drop', 'cap-bound').mask, 0n)
})

test('ambient capabilities that cannot be granted are left out', () => {
  const capabilities = {
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    inheritable: ['CAP_CHOWN'],
    ambient: ['CAP_CHOWN', 'CAP_KILL'],
  }
  assert.is(find(planOf({ process: { capabilities } }), 'drop', 'caps').ambient, CHOWN)
})

test('seccomp with no_new_privs: no privilege, and nothing after it but execve', () => {
  const plan = planOf({
    process: { noNewPrivileges: true, capabilities: { permitted: ['CAP_CHOWN'], effective: ['CAP_CHOWN'] } },
    linux: { seccomp: filter },
  })
  assert.is(find(plan, 'drop', 'caps').permitted, CHOWN)
  assert.equal(kindsOf(plan, 'start').slice(-2), ['seccomp', 'execve'])
})

test('seccomp without no_new_privs: CAP_SYS_ADMIN until execve, in no set that outlives it', () => {
  const plan = planOf({
    process: { capabilities: { bounding: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], effective: ['CAP_CHOWN'] } },
    linux: { seccomp: filter },
  })
  const caps = find(plan, 'drop', 'caps')
  assert.is(caps.permitted, CHOWN | ADMIN)
  assert.is(caps.effective, CHOWN | ADMIN)
  assert.is(caps.inheritable, 0n)
  assert.is(caps.ambient, 0n)
  assert.is(find(plan, 'drop', 'cap-bound').mask, CHOWN)
  assert.equal(kindsOf(plan, 'start').slice(-2), ['seccomp', 'execve'])
})

test('startContainer hooks run under the filter', () => {
  const plan = planOf({ linux: { seccomp: filter }, config: { hooks: { startContainer: [{ path: '/x' }] } } })
  assert.equal(kindsOf(plan, 'start').slice(-3), ['seccomp', 'hook', 'execve'])
})

test('a seccomp listener is connected before init is there, and gets the state', () => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: '/run/agent',
    listenerMetadata: 'm "x"',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
  }
  const plan = planOf({ linux: { seccomp } })
  const { slot, label } = find(plan, 'prepare', 'connect')
  const { listener, state } = find(plan, 'start', 'seccomp')
  assert.is(listener, slot)
  assert.is(label, 'linux.seccomp.listenerPath: failed to connect with seccomp agent')
  assert.is(
    state,
    '{"ociVersion":"1.3.0","fds":["seccompFd"],"pid":\x01,"metadata":"m \\"x\\"","state":{"ociVersion":"1.3.0","id":"c1","status":"\x02","pid":\x01,"bundle":"/b"}}',
  )
})

test('rlimits are set between ids and capabilities; 2^64 - 1 is no limit', () => {
  const rlimits = [
    { type: 'RLIMIT_CORE', soft: 0, hard: 2 ** 64 },
    { type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 },
  ]
  const plan = planOf({ process: { rlimits } })
  const limits = plan.sections.drop.flatMap((op) => (op.kind === 'prlimit' ? [op] : []))
  assert.equal(
    limits.map(({ resource, soft, hard, label }) => [resource, soft, hard, label]),
    [
      [4, 0n, 0xffffffffffffffffn, 'process.rlimits[0] (RLIMIT_CORE)'],
      [7, 512n, 1024n, 'process.rlimits[1] (RLIMIT_NOFILE)'],
    ],
  )
  const order = kindsOf(plan, 'drop')
  assert.ok(order.indexOf('ids') < order.indexOf('prlimit') && order.lastIndexOf('prlimit') < order.indexOf('caps'))
  assert.not.ok(kindsOf(plan, 'start').includes('prlimit'))
})

test('rlimits of an init in a user namespace are set by the front', () => {
  const mapping = [{ containerID: 0, hostID: 1000, size: 10 }]
  const namespaces = [{ type: 'mount' }, { type: 'user' }]
  const plan = planOf({
    process: { rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }] },
    linux: { namespaces, uidMappings: mapping, gidMappings: mapping },
  })
  assert.equal(kindsOf(plan, 'commit'), ['prlimit'])
  assert.not.ok(kindsOf(plan, 'drop').includes('prlimit'))
})

test('init keeps room for its own descriptors until it needs none', () => {
  const limits = (soft: number, hard: number): readonly unknown[] => {
    const { drop, start } = planOf({ process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft, hard }] } }).sections
    return [drop, start].map((ops) => ops.flatMap((op) => (op.kind === 'prlimit' ? [[op.soft, op.hard]] : [])))
  }
  assert.equal(limits(3, 2000), [[[2000n, 2000n]], [[3n, 2000n]]])
  assert.equal(limits(3, 50), [[], [[3n, 50n]]])
})

test('ids and groups', () => {
  const ids = find(planOf({ process: { user: { uid: 5, gid: 6, additionalGids: [1, 4294967294] } } }), 'drop', 'ids')
  assert.equal([ids.uid, ids.gid, ids.flags], [5, 6, 1])
  assert.equal([...(ids.groups as Uint8Array)], [1, 0, 0, 0, 254, 255, 255, 255])
  assert.is(find(planOf({ process: { user: { uid: 0, gid: 0, umask: 0o77 } } }), 'drop', 'umask').mask, 0o77)
  assert.is(find(planOf(), 'drop', 'umask').mask, 0o22)
})

test('more groups than a process can have are refused', () => {
  const user = (count: number): object => ({ uid: 0, gid: 0, additionalGids: Array.from({ length: count }, () => 7) })
  assert.is(find(planOf({ process: { user: user(65536) } }), 'drop', 'ids').uid, 0)
  assert.match(
    refusalOf(() => planOf({ process: { user: user(65537) } })),
    /^process\.user\.additionalGids: 65537 are too many/,
  )
})

test('a caller who may map only its own group cannot set others', () => {
  const linux = {
    namespaces: [{ type: 'mount' }, { type: 'user' }],
    uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  }
  const facts = { uid: 1000, gid: 1000 }
  assert.is(find(planOf({ linux, facts }), 'drop', 'ids').flags, 0)
  const refusal = refusalOf(() => planOf({ linux, facts, process: { user: { uid: 0, gid: 0, additionalGids: [0] } } }))
  assert.match(refusal, /^process\.user\.additionalGids: /)
})

test('a label for a security module that is off is refused, and names it', () => {
  const refused = (process: object): string => refusalOf(() => planOf({ process: { ...process } }))
  assert.match(refused({ apparmorProfile: 'p' }), /^process\.apparmorProfile \(p\): AppArmor is not active/)
  assert.match(refused({ selinuxLabel: 'l' }), /^process\.selinuxLabel \(l\): SELinux is not active/)
  assert.not.ok(kindsOf(planOf({ process: { apparmorProfile: 'unconfined' } }), 'drop').includes('lsm-label'))
  const { lsm, value } = find(
    planOf({ process: { apparmorProfile: 'p' }, facts: { lsm: ['apparmor'] } }),
    'drop',
    'lsm-label',
  )
  assert.equal([lsm, value], ['apparmor', 'p'])
})

test('scheduler, I/O priority, memory policy, personality', () => {
  const plan = planOf({
    process: {
      scheduler: {
        policy: 'SCHED_DEADLINE',
        runtime: 2000,
        deadline: 3000,
        period: 4000,
        flags: ['SCHED_FLAG_RECLAIM'],
      },
      ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 5 },
    },
    linux: {
      memoryPolicy: { mode: 'MPOL_BIND', nodes: '0,9', flags: ['MPOL_F_RELATIVE_NODES'] },
      personality: { domain: 'LINUX32' },
    },
  })
  const { policy, flags, runtime, deadline, period } = find(plan, 'drop', 'scheduler')
  assert.equal([policy, flags, runtime, deadline, period], [6, 2n, 2000n, 3000n, 4000n])
  assert.is(find(plan, 'drop', 'io-priority').value, (1 << 13) | 5)
  assert.is(find(plan, 'drop', 'memory-policy').mode, 2 | (1 << 14))
  assert.equal([...(find(plan, 'drop', 'memory-policy').nodes as Uint8Array)], [1, 2])
  assert.is(find(plan, 'drop', 'personality').domain, 8)
})

test('lists of numbers', () => {
  for (const [list, bytes, back] of [
    ['0', [1], '0'],
    ['0-3, 7', [0x8f], '0-3,7'],
    ['8', [0, 1], '8'],
    ['0-15:2/8', [3, 3], '0-1,8-9'],
    ['', [], ''],
  ] as const) {
    const mask = toNumberMask(list, '/x', 'CPU')
    assert.equal([...mask], bytes)
    assert.is(toNumberList(mask), back)
  }
  assert.match(
    refusalOf(() => toNumberMask('0-4294967295', '/process/execCPUAffinity/final', 'CPU')),
    /^process\.execCPUAffinity\.final .*too large/,
  )
})

test('a cwd that is absent is made, / is not', () => {
  const made = planOf({ process: { cwd: '/a/../b' } }).sections.setup.find(({ label }) =>
    label.startsWith('process.cwd'),
  )
  assert.is(made?.kind === 'ensure' ? made.path : '', '/b')
  assert.not.ok(planOf().sections.setup.some(({ label }) => label.startsWith('process.cwd')))
})

test.run()
