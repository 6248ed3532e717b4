// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { find, kindsOf, makeRequest, planOf, refusalOf } from './requests.ts'

const test = suite('compile')
const hook = (name: string): object => ({ path: `/hooks/${name}`, args: [name], timeout: 2 })
const hooks = Object.fromEntries(
  ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((kind) => [
    kind,
    [hook(kind)],
  ]),
)

test('a small container', () => {
  const plan = planOf()
  assert.equal(plan.warnings, [])
  assert.is(plan.spawn.cloneFlags, 0x20020000)
  assert.is(plan.spawn.terminal, false)
  assert.equal(plan.fields.rootfs, '/b/rootfs')
  assert.is(plan.fields.sharesPidNamespace, false)
  for (const section of ['hooks', 'commit', 'poststart', 'poststop'] as const) assert.equal(plan.sections[section], [])
})

test('all problems of a config are told in one line, with their sections', () => {
  const message = refusalOf(() => planOf({ process: { cwd: 'x', args: [] }, linux: { rootfsPropagation: 'sideways' } }))
  assert.match(message, /^config\.json: /)
  assert.match(message, /process\.cwd: .*\(config\.md#process\)/)
  assert.match(message, /process\.args/)
  assert.match(message, /linux\.rootfsPropagation/)
  assert.not.match(message, /\n/)
})

test('a config without a process is refused', () => {
  assert.match(
    refusalOf(() => planOf({ config: { process: undefined } })),
    /^process: must not be empty/,
  )
})

test('warnings of the specification come with the plan', () => {
  const { warnings } = planOf({ process: { capabilities: { bounding: ['CAP_NO_SUCH'] } } })
  assert.match(warnings.join('\n'), /CAP_NO_SUCH/)
})

test('hooks: where each kind runs, and the words that callers look for (config.md#posix-platform-hooks)', () => {
  const plan = planOf({ config: { hooks } })
  assert.equal(
    plan.sections.hooks.map(({ label, cause }) => [label, cause]),
    [
      ['error running prestart hook #0', '/hooks/prestart/0'],
      ['error running createRuntime hook #0', '/hooks/createRuntime/0'],
    ],
  )
  const setup = kindsOf(plan, 'setup')
  assert.ok(setup.indexOf('hooks-point') < setup.indexOf('hook'))
  assert.ok(setup.indexOf('hook') < setup.indexOf('pivot'))
  assert.is(find(plan, 'setup', 'hook').label, 'error running createContainer hook #0')
  assert.is(find(plan, 'start', 'hook').path, '/hooks/startContainer')
  assert.is(find(plan, 'poststart', 'hook').flags, 0)
  assert.is(find(plan, 'poststop', 'hook').flags, 1)
  assert.is(find(plan, 'start', 'hook').timeoutMs, 2000)
})

test('hooks: args[0] is the path when there are no args, a state without pid for poststop', () => {
  const plan = planOf({ config: { hooks: { poststop: [{ path: '/x' }] }, annotations: { a: '\u0001' } } })
  const { args, state } = find(plan, 'poststop', 'hook')
  assert.equal(args, ['/x'])
  assert.is(state, '{"ociVersion":"1.3.0","id":"c1","status":"\x02","bundle":"/b","annotations":{"a":"\\u0001"}}')
})

test('init stops for hooks of the runtime namespace only', () => {
  const { createContainer, startContainer } = hooks
  assert.not.ok(
    kindsOf(planOf({ config: { hooks: { createContainer, startContainer } } }), 'setup').includes('hooks-point'),
  )
})

test('the order of setup', () => {
  const order = kindsOf(
    planOf({
      process: { cwd: '/made', terminal: true },
      config: {
        hooks,
        mounts: [
          { destination: '/proc', type: 'proc', source: 'proc' },
          { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
        ],
      },
      linux: {
        namespaces: ['mount', 'pid', 'cgroup', 'network'].map((type) => ({ type })),
        sysctl: { 'net.ipv4.ip_forward': '1' },
      },
    }),
    'setup',
  )
  const places = (
    [
      'unshare',
      'loopback-up',
      'keyring',
      'attach-root',
      'mount-fs',
      'mknod',
      'symlink',
      'console',
      'hooks-point',
      'hook',
      'pivot',
      'sysctl',
    ] as const
  ).map((kind) => order.indexOf(kind))
  assert.ok(
    places.every((place) => place >= 0),
    order.join(' '),
  )
  assert.equal(
    places,
    [...places].sort((a, b) => a - b),
  )
})

test('the order of drop: what takes power comes before power is given up', () => {
  const plan = planOf({
    process: {
      noNewPrivileges: true,
      scheduler: { policy: 'SCHED_BATCH' },
      ioPriority: { class: 'IOPRIO_CLASS_IDLE' },
      selinuxLabel: 'x',
    },
    linux: { personality: { domain: 'LINUX32' }, memoryPolicy: { mode: 'MPOL_LOCAL' } },
    facts: { lsm: ['selinux'] },
  })
  assert.equal(kindsOf(plan, 'drop'), [
    ...(['session', 'scheduler', 'io-priority', 'personality', 'memory-policy', 'cpu-affinity', 'home'] as const),
    ...([
      'umask',
      'lsm-label',
      'cap-bound',
      'preserve-fds',
      'chdir',
      'ids',
      'caps',
      'no-new-privs',
      'find-exec',
    ] as const),
  ])
})

test('--no-new-keyring', () => {
  const keyring = find(planOf(), 'setup', 'keyring')
  assert.is(keyring.name, '_ses.c1')
  assert.equal(keyring.tolerate, ['ENOSYS', 'EPERM'])
  assert.not.ok(kindsOf(planOf({ options: { 'no-new-keyring': 'true' } }), 'setup').includes('keyring'))
})

test('--cgroup-manager', () => {
  const disabled = planOf({ options: { 'cgroup-manager': 'disabled' }, linux: { resources: { pids: { limit: 5 } } } })
  assert.is(disabled.spawn.cgroupSlot, null)
  assert.is(disabled.fields.killDir, '')
  assert.equal(disabled.sections.undo, [])
  assert.match(disabled.warnings.join(), /linux\.resources.*--cgroup-manager disabled/)
  const refused = (options: Readonly<Record<string, string>>): string => refusalOf(() => planOf({ options }))
  assert.match(refused({ 'cgroup-manager': 'other' }), /^--cgroup-manager: "other" is none of/)
  assert.match(refused({ 'cgroup-manager': 'cgroupfs', 'systemd-cgroup': 'true' }), /contradicts/)
  assert.match(refused({ 'systemd-cgroup': 'true' }), /systemd/)
  assert.match(refused({ 'cgroup-manager': 'systemd' }), /systemd/)
})

test('oomScoreAdj is written from outside, and without privileges only if it may be', () => {
  const op = find(planOf({ process: { oomScoreAdj: -7 } }), 'adopt', 'write-pid-file')
  assert.equal([op.name, op.data, op.tolerate], ['oom_score_adj', '-7', undefined])
  const rootless = find(
    planOf({ process: { oomScoreAdj: 7 }, options: { rootless: 'true' } }),
    'adopt',
    'write-pid-file',
  )
  assert.equal(rootless.tolerate, ['EPERM'])
})

test('net devices keep their name unless told', () => {
  const plan = planOf({
    linux: {
      namespaces: ['mount', 'network'].map((type) => ({ type })),
      netDevices: { 'eth.1': {}, 'e2': { name: 'x' } },
    },
  })
  assert.equal(
    plan.sections.adopt.map((op) => (op.kind === 'net-device' ? [op.name, op.rename, op.label] : [])),
    [
      ['eth.1', 'eth.1', 'linux.netDevices["eth.1"]'],
      ['e2', 'x', 'linux.netDevices.e2'],
    ],
  )
})

test('with NOTIFY_SOCKET the container gets a socket of its own', () => {
  const facts = { env: new Map([['NOTIFY_SOCKET', '/run/x']]) }
  const { sections } = planOf({ facts, process: { env: ['NOTIFY_SOCKET=/run/y', 'A=b'] } })
  const opened = sections.prepare.map((op) => (op.kind === 'open-tree' ? op.path : ''))
  assert.ok(opened.some((path) => path.endsWith('/notify')))
  const env = sections.start.flatMap((op) => (op.kind === 'execve' ? op.env : []))
  assert.equal(env, ['A=b', 'NOTIFY_SOCKET=/run/notify/notify.sock'])
  const without = planOf({ process: { env: ['A=b'] } }).sections
  assert.equal(
    without.start.flatMap((op) => (op.kind === 'execve' ? op.env : [])),
    ['A=b'],
  )
})

test('a config that is not JSON', () => {
  const refused = (config: string): string => refusalOf(() => planOf({ request: { config } }))
  assert.is(refused(''), 'config.json: not valid JSON: it is empty')
  assert.is(refused('{"a": [1,}'), 'config.json: not valid JSON: unexpected "}" at line 1, column 10')
  assert.is(refused('{\n "a": 1'), 'config.json: not valid JSON: unexpected end at line 2, column 8')
  assert.is(refused('{} {}'), 'config.json: not valid JSON: unexpected "{" at line 1, column 4')
  assert.is(refused('{"a": tru}'), 'config.json: not valid JSON: unexpected "t" at line 1, column 7')
  assert.match(refused('['.repeat(100_000)), /^config\.json: /)
  assert.match(refused(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), /^config\.json: /)
  const hostile = makeRequest().config.replace('"args"', `"x":${'['.repeat(100_000)}${']'.repeat(100_000)},"args"`)
  assert.match(refused(hostile), /^config\.json: /)
  for (const text of ['null', '[1]', '5']) assert.match(refused(text), /^config\.json: config/)
})

test.run()
