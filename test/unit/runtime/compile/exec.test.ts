// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { capabilityNames } from '../../../../runtime/compile/capabilities.ts'
import { execPlanOf, find, kindsOf, refusalOf } from './requests.ts'

const test = suite('exec')
const file = (document: object): { readonly process: string } => ({ process: JSON.stringify(document) })

test('joins, and changes nothing of the container', () => {
  const plan = execPlanOf(['true'])
  assert.is(plan.spawn.exec, true)
  assert.is(plan.spawn.cloneFlags, 0)
  assert.equal(kindsOf(plan, 'setup'), ['keyring'])
  for (const section of ['hooks', 'poststart', 'undo', 'poststop', 'pause', 'resume'] as const) {
    assert.equal(plan.sections[section], [])
  }
  assert.equal(find(plan, 'start', 'execve').args, ['true'])
})

test('takes the process of the config', () => {
  const plan = execPlanOf(['x'], {
    process: { cwd: '/tmp', user: { uid: 3, gid: 4 }, env: ['A=1'], oomScoreAdj: 5, terminal: true },
  })
  assert.is(find(plan, 'drop', 'chdir').path, '/tmp')
  assert.is(find(plan, 'drop', 'ids').uid, 3)
  assert.equal(find(plan, 'start', 'execve').env, ['A=1'])
  assert.is(find(plan, 'adopt', 'write-pid-file').data, '5')
  assert.is(plan.spawn.terminal, false, 'a terminal is only for --tty')
})

for (const [given, uid, gid] of [
  ['1', 1, 9],
  ['1:2', 1, 2],
  ['0', 0, 9],
  ['0:5', 0, 5],
  ['4294967294:4294967294', 4294967294, 4294967294],
] as const) {
  test(`--user ${given} (CVE-2026-30892)`, () => {
    const ids = find(
      execPlanOf(['x'], { options: { user: given }, process: { user: { uid: 8, gid: 9 } } }),
      'drop',
      'ids',
    )
    assert.equal([ids.uid, ids.gid, ids.label], [uid, gid, '--user'])
  })
}

for (const given of [
  '',
  ':',
  '1:',
  ':1',
  'a',
  'a:b',
  'root',
  '-1',
  '+1',
  '1.0',
  '0x1',
  ' 1',
  '1 ',
  '1:2:3',
  '4294967295',
  '4294967296',
  '1:4294967296',
  '99999999999999999999',
  '１',
]) {
  test(`--user ${JSON.stringify(given)} is refused (CVE-2026-30892)`, () => {
    assert.match(
      refusalOf(() => execPlanOf(['x'], { options: { user: given } })),
      /^--user /,
    )
  })
}

test('--additional-gids are added', () => {
  const process = { user: { uid: 0, gid: 0, additionalGids: [1] } }
  const { groups } = find(execPlanOf(['x'], { process, options: { 'additional-gids': ['2', '3'] } }), 'drop', 'ids')
  assert.equal([...new Uint32Array((groups as Uint8Array).buffer)], [1, 2, 3])
  assert.match(
    refusalOf(() => execPlanOf(['x'], { options: { 'additional-gids': ['a'] } })),
    /^--additional-gids "a"/,
  )
})

test('--env is added, a comma separates nothing', () => {
  const plan = execPlanOf(['x'], { process: { env: ['A=1', 'B=2'] }, options: { env: ['A=1,2', 'C=x y'] } })
  assert.equal(find(plan, 'start', 'execve').env, ['B=2', 'A=1,2', 'C=x y'])
  assert.match(
    refusalOf(() => execPlanOf(['x'], { options: { env: ['NOVALUE'] } })),
    /^--env "NOVALUE"/,
  )
})

test('--cwd, --no-new-privs, --tty, --apparmor and --process-label', () => {
  const options = { 'cwd': '/etc', 'no-new-privs': 'true', 'tty': 'true', 'apparmor': 'p', 'process-label': 'l' }
  const plan = execPlanOf(['x'], { options, facts: { lsm: ['apparmor', 'selinux'] } })
  assert.equal([find(plan, 'drop', 'chdir').path, find(plan, 'drop', 'chdir').label], ['/etc', '--cwd (/etc)'])
  assert.ok(kindsOf(plan, 'drop').includes('no-new-privs'))
  assert.is(plan.spawn.terminal, true)
  assert.is(find(plan, 'setup', 'console').flags, 0, '/dev/console belongs to init')
  assert.equal(
    plan.sections.drop.flatMap((op) => (op.kind === 'lsm-label' ? [[op.lsm, op.value, op.cause]] : [])),
    [
      ['apparmor', 'p', 'flag:--apparmor'],
      ['selinux', 'l', 'flag:--process-label'],
    ],
  )
  assert.match(
    refusalOf(() => execPlanOf(['x'], { options: { cwd: 'etc' } })),
    /^--cwd "etc"/,
  )
  assert.match(
    refusalOf(() => execPlanOf(['x'], { options: { apparmor: 'p' } })),
    /^--apparmor \(p\): AppArmor is not active/,
  )
})

test('--cap adds to bounding, effective and permitted, never to inheritable (CVE-2022-29162)', () => {
  const capabilities = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
  const plan = execPlanOf(['x'], { process: { capabilities }, options: { cap: ['CAP_CHOWN'] } })
  const caps = find(plan, 'drop', 'caps')
  for (const mask of [find(plan, 'drop', 'cap-bound').mask, caps.effective, caps.permitted]) {
    assert.equal(capabilityNames(mask), ['CAP_CHOWN', 'CAP_KILL'])
  }
  assert.equal([caps.inheritable, caps.ambient], [0n, 0n])
})

test('--cap is ambient where the config lets it be inherited', () => {
  const capabilities = { inheritable: ['CAP_CHOWN'] }
  const caps = find(
    execPlanOf(['x'], { process: { capabilities }, options: { cap: ['CAP_CHOWN', 'CAP_KILL'] } }),
    'drop',
    'caps',
  )
  assert.equal(capabilityNames(caps.inheritable), ['CAP_CHOWN'])
  assert.equal(capabilityNames(caps.ambient), ['CAP_CHOWN'])
})

test('--process replaces the process of the config', () => {
  const plan = execPlanOf([], {
    process: { env: ['FROM=config'], oomScoreAdj: 7 },
    request: file({ args: ['y'], cwd: '/tmp', terminal: true, consoleSize: { height: 3, width: 4 } }),
    options: { process: '/p.json', cwd: '/ignored' },
  })
  assert.equal(find(plan, 'start', 'execve').args, ['y'])
  assert.equal(find(plan, 'start', 'execve').env, [])
  assert.is(find(plan, 'drop', 'chdir').path, '/tmp')
  assert.is(find(plan, 'drop', 'ids').uid, 0)
  assert.equal(plan.sections.adopt, [])
  assert.is(find(plan, 'setup', 'console').rows, 3)
})

test('a bad --process file is refused by its name', () => {
  const refused = (document: object | string): string =>
    refusalOf(() =>
      execPlanOf([], {
        request: { process: typeof document === 'string' ? document : JSON.stringify(document) },
        options: { process: '/p.json' },
      }),
    )
  assert.match(refused('{ "args": ['), /^\/p\.json: not valid JSON/)
  assert.match(refused({ args: [], cwd: '/' }), /^\/p\.json: args/)
  assert.match(refused({ args: ['x'], cwd: 'relative' }), /^\/p\.json: cwd/)
  assert.match(refused('5'), /^\/p\.json: process/)
  assert.match(refused('null'), /^\/p\.json: process/)
})

test('without a command and without --process', () => {
  assert.is(
    refusalOf(() => execPlanOf([])),
    'exec args cannot be empty',
  )
})

test('CPU affinity: initial before the cgroups are joined, final after', () => {
  const execCPUAffinity = { initial: '0-1', final: '1' }
  const state = JSON.stringify({ cgroup_paths: { '': '/sys/fs/cgroup/x' } })
  const plan = execPlanOf(['x'], { process: { execCPUAffinity }, request: { state } })
  assert.equal(kindsOf(plan, 'prepare'), ['cpu-affinity', 'open'])
  assert.equal([...(find(plan, 'drop', 'cpu-affinity').mask as Uint8Array)], [2])
})

test('the seccomp filter of the container applies', () => {
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] }
  const plan = execPlanOf(['x'], { linux: { seccomp } })
  assert.equal(kindsOf(plan, 'start').slice(-2), ['seccomp', 'execve'])
})

test('state.json: cgroups, resctrl group and keyring; what is broken counts for nothing', () => {
  const state = JSON.stringify({
    cgroup_paths: { '': '/sys/fs/cgroup/x', 'bad': 5 },
    intel_rdt_path: '/sys/fs/resctrl/c1',
    config: { no_new_keyring: true },
  })
  const plan = execPlanOf(['x'], { request: { state } })
  assert.equal(kindsOf(plan, 'setup'), [])
  assert.is(find(plan, 'adopt', 'join-pid').path, '/sys/fs/resctrl/c1/tasks')
  assert.is(plan.spawn.cgroupSlot, find(plan, 'prepare', 'open').slot)
  for (const broken of ['', 'null', '[]', '{"cgroup_paths":7,"config":[]}']) {
    assert.equal(kindsOf(execPlanOf(['x'], { request: { state: broken } }), 'prepare'), [])
  }
})

test.run()
