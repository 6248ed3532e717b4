// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { validateConfig, validateProcess, validateResources, warnConfig, warnProcess } from '../../../spec/index.ts'
import { RULES, WARNINGS } from '../../../spec/rules.ts'
import * as configs from './configs.ts'
import { foreignConfig } from './documents.ts'
import { mutate, sequence, withValue } from './mutate.ts'

const GOOD = {
  'of the verb spec': configs.specConfig,
  'of spec --rootless': configs.rootlessConfig,
  "of docker's shape": configs.dockerConfig,
  "of a pod's second container": configs.podConfig,
  'with every field': configs.fullConfig,
}

for (const [name, make] of Object.entries(GOOD)) {
  test(`a config ${name} has no problem and no warning`, () => {
    assert.equal(validateConfig(make()), [])
    assert.equal(warnConfig(make()), [])
  })
}

test('every rule has its own file and its own name, and its file is listed', () => {
  const folder = new URL('../../../spec/rules/', import.meta.url)
  const files = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''))
  assert.equal([...RULES, ...WARNINGS].map((rule) => rule.name).sort(), files.sort())
})

test('every rule has cases', () => {
  const tests = ['rules-config.test.ts', 'rules-linux.test.ts']
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
    .join('')
  for (const { name } of [...RULES, ...WARNINGS]) assert.match(tests, new RegExp(`^ {2}'?${name}'?: \\{`, 'm'))
})

test('all problems are told at once, of the schema and of the rules', () => {
  const config = {
    ...configs.specConfig(),
    hostname: 5,
    mounts: [{ destination: '', type: 'proc' }, { type: 'sysfs' }, { destination: '', type: 'sysfs', options: 'ro' }],
    process: {
      cwd: 'here',
      user: { uid: -1, gid: 'wheel' },
      args: [],
      rlimits: [{ type: 'nofile', soft: 1, hard: 1 }],
    },
  }
  assert.equal(
    validateConfig(config).map(({ pointer, message, section }) => [pointer, message, section]),
    [
      ['/process/user/uid', 'process.user.uid: is the number -1: give at least 0', 'config.md#posix-platform-user'],
      [
        '/process/user/gid',
        'process.user.gid: is the string "wheel": give a whole number',
        'config.md#posix-platform-user',
      ],
      [
        '/process/rlimits/0/type',
        'process.rlimits[0].type: is the string "nofile": write a name like "RLIMIT_NOFILE"',
        'config.md#posix-process',
      ],
      ['/hostname', 'hostname: is the number 5: give a string', 'config.md#hostname'],
      ['/mounts/1/destination', 'mounts[1].destination: is missing: it is required', 'config.md#mounts'],
      ['/mounts/2/options', 'mounts[2].options: is the string "ro": give a list', 'config.md#mounts'],
      ['/mounts/0/destination', 'mounts[0].destination: is empty: write a path that starts with /', 'config.md#mounts'],
      ['/mounts/2/destination', 'mounts[2].destination: is empty: write a path that starts with /', 'config.md#mounts'],
      ['/process/args', 'process.args: is empty: name the program to run', 'config.md#process'],
      ['/process/cwd', 'process.cwd: "here" is not absolute: write a path that starts with /', 'config.md#process'],
    ],
  )
})

test('one wrong value is one problem, whatever it breaks', () => {
  const config = withValue(configs.fullConfig(), '/linux/namespaces', 'all')
  assert.equal(
    validateConfig(config).map(({ pointer }) => pointer),
    ['/linux/namespaces'],
  )
  const unknown = withValue(configs.fullConfig(), '/linux/namespaces/0/type', 5)
  assert.equal(
    validateConfig(unknown).map(({ message }) => message),
    ['linux.namespaces[0].type: is the number 5: give a string'],
  )
})

const SENTENCES: readonly [string, unknown, string][] = [
  [
    '/linux/namespaces/0/type',
    'net',
    'linux.namespaces[0].type: is the string "net": give one of pid, network, mount, ipc, uts, user, cgroup, time',
  ],
  ['/linux/resources/pids', {}, 'linux.resources.pids.limit: is missing: it is required'],
  [
    '/linux/resources/cpu/shares',
    2 ** 65,
    'linux.resources.cpu.shares: is the number 36893488147419103000: give at most 18446744073709551615',
  ],
  ['/process/user/uid', 0.5, 'process.user.uid: is the number 0.5: give a whole number'],
  ['/linux/seccomp/syscalls/0/names', [], 'linux.seccomp.syscalls[0].names: is empty: give at least one entry'],
  ['/process/noNewPrivileges', 'yes', 'process.noNewPrivileges: is the string "yes": give true or false'],
  ['/hooks/prestart/0/timeout', 0, 'hooks.prestart[0].timeout: is the number 0: give at least 1'],
  ['/linux/devices/0/fileMode', '0666', 'linux.devices[0].fileMode: is the string "0666": give a whole number'],
  ['/linux/devices/0/fileMode', 65536, 'linux.devices[0].fileMode: is the number 65536: give at most 65535'],
  ['/root', null, 'root: is null: give an object'],
  ['/linux/sysctl/net.x', 1, 'linux.sysctl["net.x"]: is the number 1: give a string'],
]

for (const [pointer, value, message] of SENTENCES) {
  test(`says: ${message}`, () => {
    const problems = validateConfig(withValue(configs.fullConfig(), pointer, value))
    assert.equal(
      problems.map((problem) => problem.message),
      [message],
    )
  })
}

test('whatever is no object is one problem', () => {
  for (const value of [null, undefined, [], 'x', 5, true]) {
    assert.equal(
      validateConfig(value).map(({ pointer }) => pointer),
      [''],
    )
    assert.equal(warnConfig(value), [])
  }
})

test('unknown properties are ignored (config.md#extensibility)', () => {
  assert.equal(validateConfig({ ...configs.specConfig(), future: { a: [null] } }), [])
})

test('no document makes a rule throw', () => {
  const random = sequence(7)
  for (const document of [configs.fullConfig(), foreignConfig()]) {
    for (let count = 0; count < 500; count++) {
      const twice = mutate(mutate(document, random).document, random).document
      for (const problem of [...validateConfig(twice), ...warnConfig(twice)]) {
        assert.match(problem.message, /^[a-zA-Z]/)
        assert.match(problem.section, /^config(-[a-z]+)?\.md/)
      }
    }
  }
})

test('validateProcess names fields from the document it gets', () => {
  const process = configs.fullConfig()['process'] as configs.Json
  assert.equal(validateProcess(process), [])
  assert.equal(validateProcess({ ...process, cwd: 'x', oomScoreAdj: 'x', args: [] }), [
    {
      pointer: '/oomScoreAdj',
      message: 'oomScoreAdj: is the string "x": give a whole number',
      section: 'config.md#linux-process',
    },
    { pointer: '/args', message: 'args: is empty: name the program to run', section: 'config.md#process' },
    {
      pointer: '/cwd',
      message: 'cwd: "x" is not absolute: write a path that starts with /',
      section: 'config.md#process',
    },
  ])
  assert.equal(
    validateProcess({ args: ['a'] }).map(({ message }) => message),
    ['cwd: is missing: it is required', 'user: is missing: give {"uid": 0, "gid": 0}, or other ids'],
  )
  assert.equal(
    validateProcess([]).map(({ message }) => message),
    ['process: is a list: give an object'],
  )
  const unknown = { ...process, capabilities: { bounding: ['CAP_X'] } }
  assert.equal(validateProcess(unknown), [])
  assert.equal(
    warnProcess(unknown).map(({ pointer }) => pointer),
    ['/capabilities/bounding/0'],
  )
})

test('validateResources takes what docker sends for an update', () => {
  assert.equal(
    validateResources({
      memory: { limit: 134217728, reservation: 0, swap: 134217728, kernel: 0 },
      cpu: { shares: 256, quota: 25000, period: 100000 },
      pids: { limit: 60 },
      blockIO: { weight: 0 },
    }),
    [],
  )
  assert.equal(
    validateResources({
      memory: { swappiness: 101 },
      blockIO: { weight: 9 },
      cpu: { idle: 'x' },
      unified: { 'a/b': '' },
    }).map(({ pointer }) => pointer),
    ['/cpu/idle', '/memory/swappiness', '/blockIO/weight', '/unified/a~1b'],
  )
})

test.run()
