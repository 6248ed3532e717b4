// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, newContainer, runOnce, withContainer } from '../helpers/container.ts'
import { needsFile } from '../helpers/host.ts'
import { type Attempt, parseAttempts } from '../helpers/report.ts'
import { isTsrun, runtimePath } from '../helpers/runtime.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'
import { newDir, projectDir, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('seccomp')

const dockerProfile = join(projectDir, 'test/data/seccomp-docker-default.json')

function withSeccomp(seccomp: Json, args: string, patch: Json = {}): Json {
  return withArgs(['probe', ...args.split(' ')], { ...patch, linux: { seccomp } })
}

function allowBut(syscall: Json): Json {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [syscall] }
}

async function attempts(seccomp: Json, args: string, patch: Json = {}): Promise<readonly Attempt[]> {
  return parseAttempts(mustSucceed(await runOnce(withSeccomp(seccomp, args, patch))).stdout)
}

const errno = (names: readonly string[], more: Json = {}): Json => ({ names, action: 'SCMP_ACT_ERRNO', ...more })

/** Mode in /proc/PID/status of a created container, and of its process after start. */
async function modes(seccomp: Json, patch: Json = {}): Promise<readonly (string | undefined)[]> {
  let found: readonly (string | undefined)[] = []
  await withContainer(withSeccomp(seccomp, 'trap', patch), async (container) => {
    const mode = (): string | undefined =>
      /^Seccomp:\t(\d)/m.exec(readFileSync(`/proc/${container.pid()}/status`, 'utf8'))?.[1]
    mustSucceed(container.create())
    // It is loaded once create has returned.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = mode()
    mustSucceed(container.start())
    await container.waitForStatus('running')
    found = [before, mode()]
  })
  return found
}

/** What the probe needs. */
const needed =
  'execve arch_prctl set_tid_address write writev ioctl exit_group exit brk mmap munmap rt_sigprocmask rt_sigaction ' +
  'fstat prctl read close openat open mprotect getpid futex capget capset newfstatat getdents64 fcntl lseek epoll_pwait ' +
  'epoll_ctl nanosleep tgkill gettid setgroups setgid setuid chdir set_robust_list rseq getcwd fstatfs statfs seccomp ' +
  'statx fsopen fsconfig fsmount openat2 readlinkat'

test('a filter is loaded: mode 2', async () => {
  const report = await inspect({ linux: { seccomp: allowBut(errno(['sethostname'])) } })
  assert.is(report.status['Seccomp'], '2')
  assert.is(report.status['Seccomp_filters'], '1')
})

test(
  'a filter is compiled once, and anew when tsrun-seccomp or the libraries of the host are others',
  () => {
    const dir = newDir('bin')
    const log = join(dir, 'log')
    writeFileSync(log, '')
    copyFileSync(runtimePath, join(dir, 'tsrun'))
    symlinkSync(join(dirname(runtimePath), 'tsrun-plan'), join(dir, 'tsrun-plan'))
    const compiler = join(dir, 'tsrun-seccomp')
    writeFileSync(compiler, `#!/bin/sh\necho x >>${log}\nexec ${dirname(runtimePath)}/tsrun-seccomp\n`, { mode: 0o755 })
    const cache = newDir('cache')
    const script = [
      'mkdir -p -m 700 /run/tsrun-cache; mount --bind "$0" /run/tsrun-cache',
      'if [ -e "$0/libraries" ]; then mount --bind "$0/libraries" /etc/ld.so.cache; fi; exec "$@"',
    ].join('; ')
    const config = { linux: { seccomp: allowBut(errno(['sethostname'])) } }
    const compiled = (): number => {
      const container = newContainer({ ...config, ...withArgs(['true'], config) })
      const args = ['-m', 'sh', '-ec', script, cache, join(dir, 'tsrun'), '--root', stateRoot]
      const { status, stderr } = spawnSync('unshare', [...args, 'run', '--bundle', container.bundle, container.id])
      assert.is(status, 0, String(stderr))
      assert.is(readdirSync(join(cache, 'seccomp')).length, 1)
      return readFileSync(log, 'utf8').length / 2
    }
    assert.equal([compiled(), compiled()], [1, 1])
    appendFileSync(compiler, '# another one\n')
    assert.equal([compiled(), compiled()], [2, 2])
    writeFileSync(join(cache, 'libraries'), readFileSync('/etc/ld.so.cache'))
    assert.equal([compiled(), compiled()], [3, 3])
  },
  { needs: [() => (isTsrun ? undefined : 'a cache of tsrun'), needsFile('/etc/ld.so.cache')] },
)

test('SCMP_ACT_ERRNO gives EPERM, or errnoRet', async () => {
  assert.is((await attempts(allowBut(errno(['mkdir', 'mkdirat'])), 'mkdir /tmp/x'))[0]?.errno, 'EPERM')
  assert.is(
    (await attempts(allowBut(errno(['mkdir', 'mkdirat'], { errnoRet: 18 })), 'mkdir /tmp/x'))[0]?.errno,
    'EXDEV',
  )
  assert.is(
    (await attempts(allowBut(errno(['mkdir', 'mkdirat'], { errnoRet: 38 })), 'mkdir /tmp/x'))[0]?.errno,
    'ENOSYS',
  )
})

test('a syscall that is not named is allowed', async () => {
  assert.is((await attempts(allowBut(errno(['sethostname'])), 'getpid'))[0]?.errno, '')
})

test('arguments: equal, not equal, masked equal, greater', async () => {
  const filter = (args: readonly Json[]): Json => allowBut(errno(['personality'], { errnoRet: 18, args }))
  const domain = async (args: readonly Json[], value: string): Promise<string | undefined> =>
    (await attempts(filter(args), `personality ${value}`))[0]?.errno
  const equal = [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }]
  assert.is(await domain(equal, '8'), 'EXDEV')
  assert.is(await domain(equal, '0'), '')
  const masked = [{ index: 0, value: 0x40000, valueTwo: 0x40000, op: 'SCMP_CMP_MASKED_EQ' }]
  assert.is(await domain(masked, '0x40008'), 'EXDEV')
  assert.is(await domain(masked, '0x00008'), '')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_GT' }], '9'), 'EXDEV')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_GT' }], '8'), '')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_NE' }], '9'), 'EXDEV')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_NE' }], '8'), '')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_GE' }], '8'), 'EXDEV')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_GE' }], '0'), '')
  assert.is(await domain([{ index: 0, value: 8, op: 'SCMP_CMP_LE' }], '8'), 'EXDEV')
})

test('conditions on different arguments must all hold', async () => {
  const args = [
    { index: 0, value: 16, op: 'SCMP_CMP_EQ' },
    { index: 1, value: 3, op: 'SCMP_CMP_EQ' },
  ]
  const seen = await attempts(allowBut(errno(['socket'], { errnoRet: 18, args })), 'socket 16 3 , socket 16 2')
  assert.is(seen[0]?.errno, 'EXDEV')
  assert.is(seen[1]?.errno, '')
})

test('two conditions on the same argument are alternatives', async () => {
  const args = [
    { index: 0, value: 8, op: 'SCMP_CMP_EQ' },
    { index: 0, value: 16, op: 'SCMP_CMP_EQ' },
  ]
  const seen = await attempts(
    allowBut(errno(['personality'], { errnoRet: 18, args })),
    'personality 8 , personality 16 , personality 0',
  )
  assert.equal(
    seen.map((one) => one.errno),
    ['EXDEV', 'EXDEV', ''],
  )
})

test('defaultAction errno with a list of what is allowed, defaultErrnoRet', async () => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 18,
    syscalls: [{ names: needed.split(' '), action: 'SCMP_ACT_ALLOW' }],
  }
  const seen = await attempts(seccomp, 'getpid , personality 8')
  assert.equal(
    seen.map((one) => one.errno),
    ['', 'EXDEV'],
  )
})

for (const [action, status] of [
  ['SCMP_ACT_KILL', 128 + 31],
  ['SCMP_ACT_KILL_THREAD', 128 + 31],
  ['SCMP_ACT_KILL_PROCESS', 128 + 31],
  ['SCMP_ACT_TRAP', 128 + 31],
  ['SCMP_ACT_LOG', 0],
  ['SCMP_ACT_TRACE', 0],
] as const) {
  test(`${action} by default, and for one system call`, async () => {
    const list = { defaultAction: action, syscalls: [{ names: needed.split(' '), action: 'SCMP_ACT_ALLOW' }] }
    assert.is((await runOnce(withSeccomp(list, 'personality 8'))).status, status)
    assert.is((await runOnce(withSeccomp(list, 'getpid'))).status, 0)
    assert.is(
      (await runOnce(withSeccomp(allowBut({ names: ['personality'], action }), 'personality 8'))).status,
      status,
    )
  })
}

test('SCMP_ACT_TRACE without a tracer gives ENOSYS', async () => {
  const seen = await attempts(
    allowBut({ names: ['personality'], action: 'SCMP_ACT_TRACE', errnoRet: 5 }),
    'personality 8',
  )
  assert.is(seen[0]?.errno, 'ENOSYS')
})

test('SCMP_ACT_KILL_PROCESS ends with SIGSYS', async () => {
  const seccomp = allowBut({ names: ['personality'], action: 'SCMP_ACT_KILL_PROCESS' })
  assert.is((await runOnce(withSeccomp(seccomp, 'personality 8'))).status, 128 + 31)
})

test('SCMP_ACT_LOG and SCMP_ACT_TRAP', async () => {
  const logged = await attempts(allowBut({ names: ['personality'], action: 'SCMP_ACT_LOG' }), 'personality 8')
  assert.is(logged[0]?.errno, '')
  const trapped = allowBut({ names: ['personality'], action: 'SCMP_ACT_TRAP' })
  assert.is((await runOnce(withSeccomp(trapped, 'personality 8'))).status, 128 + 31)
})

test('names that this kernel or architecture does not know are skipped', async () => {
  const seen = await attempts(allowBut(errno(['no_such_syscall', 'personality'])), 'personality 8')
  assert.is(seen[0]?.errno, 'EPERM')
})

test("all architectures of docker's profile are taken", async () => {
  const seccomp = {
    ...allowBut(errno(['personality'])),
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  }
  assert.is((await attempts(seccomp, 'personality 8'))[0]?.errno, 'EPERM')
})

/** Those with the byte order of x86-64 that libseccomp 2.5 knows. */
for (const name of [
  'AARCH64',
  'ARM',
  'MIPSEL',
  'MIPSEL64',
  'MIPSEL64N32',
  'PPC64LE',
  'RISCV64',
  'X32',
  'X86',
  'X86_64',
]) {
  test(
    `SCMP_ARCH_${name} goes into the filter`,
    async () => {
      const seccomp = { ...allowBut(errno(['personality'])), architectures: [`SCMP_ARCH_${name}`] }
      assert.is((await attempts(seccomp, 'personality 8'))[0]?.errno, 'EPERM')
    },
    {
      needs: [() => (process.arch === 'x64' ? undefined : 'is for x86-64')],
      ...(name === 'RISCV64' ? { differsFrom: { 'runc<1.2': 'does not know it' } } : {}),
    },
  )
}

test(
  'an architecture of the other byte order is refused by name',
  () => {
    const seccomp = { ...allowBut(errno(['personality'])), architectures: ['SCMP_ARCH_S390X'] }
    assertRefused(withSeccomp(seccomp, 'getpid'), { tsrun: /linux\.seccomp.*s390x.*cannot share a filter/ })
  },
  { needs: [() => (process.arch === 'x64' ? undefined : 'is for x86-64')], differsFrom: { crun: 'ignores it' } },
)

test('an argument beyond 2^53 keeps its digits', async () => {
  const args = [{ index: 0, value: 'HERE', op: 'SCMP_CMP_EQ' }]
  const config = withSeccomp(
    allowBut(errno(['personality'], { errnoRet: 18, args })),
    'personality 0x20000000000001 , personality 0x20000000000000',
  )
  await withContainer(config, (container) => {
    const path = `${container.bundle}/config.json`
    writeFileSync(path, readFileSync(path, 'utf8').replace('"HERE"', '9007199254740993'))
    const seen = parseAttempts(mustSucceed(container.run()).stdout)
    assert.equal(
      seen.map((one) => one.errno),
      ['EXDEV', ''],
    )
  })
})

test('works with and without no_new_privs and with no capability', async () => {
  for (const noNewPrivileges of [true, false]) {
    const report = await inspect({
      process: { noNewPrivileges, user: { uid: 1000, gid: 1000 }, capabilities: undefined },
      linux: { seccomp: allowBut(errno(['personality'])) },
    })
    assert.is(report.status['Seccomp'], '2')
    assert.is(report.status['NoNewPrivs'], noNewPrivileges ? '1' : '0')
  }
})

for (const flag of ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']) {
  test(
    `flag ${flag}`,
    async () => {
      const report = await inspect({ linux: { seccomp: { ...allowBut(errno(['personality'])), flags: [flag] } } })
      assert.is(report.status['Seccomp'], '2')
    },
    { differsFrom: { 'runc<1.3': 'refuses flags other than TSYNC' } },
  )
}

test('an unknown action, operator, architecture and flag are refused by name', () => {
  const refused = (seccomp: Json, word: string): void =>
    assertRefused(withSeccomp(seccomp, 'getpid'), { tsrun: new RegExp(`linux\\.seccomp.*${word}`) })
  refused({ defaultAction: 'SCMP_ACT_NOSUCH' }, 'SCMP_ACT_NOSUCH')
  refused(allowBut({ names: ['mkdir'], action: 'NOSUCH' }), 'NOSUCH')
  refused(allowBut(errno(['mkdir'], { args: [{ index: 0, value: 1, op: 'NOSUCH' }] })), 'NOSUCH')
  refused({ ...allowBut(errno(['mkdir'])), architectures: ['SCMP_ARCH_NOSUCH'] }, 'SCMP_ARCH_NOSUCH')
  refused({ ...allowBut(errno(['mkdir'])), flags: ['NOSUCH'] }, 'NOSUCH')
})

test(
  "docker's default profile",
  async () => {
    const seccomp = JSON.parse(readFileSync(dockerProfile, 'utf8')) as Json
    const seen = await attempts(seccomp, 'getpid , unshare 0x10000000 , mkdir /tmp , socket 2')
    assert.is(seen[0]?.errno, '')
    assert.is(seen[1]?.errno, 'EPERM')
    assert.is(seen[2]?.errno, 'EEXIST')
    assert.is(seen[3]?.errno, '')
  },
  { needs: [() => (existsSync(dockerProfile) ? undefined : `no ${dockerProfile}`)] },
)

test(
  'a filter that allows what init still needs is in force before start, any other comes with start',
  async () => {
    const profile = JSON.parse(readFileSync(dockerProfile, 'utf8')) as Json
    assert.equal(await modes(profile), ['2', '2'])
    assert.equal(await modes(profile, { process: { noNewPrivileges: false } }), ['2', '2'])
    for (const name of ['accept4', 'recvmsg', 'close_range', 'exit_group']) {
      assert.equal(await modes(allowBut(errno([name]))), ['0', '2'], name)
    }
    // Allowed for some arguments only.
    const args = [{ index: 1, value: 77, op: 'SCMP_CMP_EQ' }]
    assert.equal(await modes(allowBut(errno(['fcntl'], { args }))), ['0', '2'])
  },
  { differsFrom: { runc: 'loads it early or late by other rules', crun: 'loads it at create' } },
)

run()
