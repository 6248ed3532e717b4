// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileSeccompPolicy } from '../../../../runtime/seccomp/policy.ts'
import type { LinuxSeccomp } from '../../../../spec/runtime/seccomp.ts'

/* From the profile to errno: tsrun-seccomp and a probe are built here, so that no build is needed before. */

const here = fileURLToPath(new URL('.', import.meta.url))
const sources = join(here, '../../../../csrc/seccomp')
const dockerProfile = join(here, '../../../data/seccomp-docker-default.json')
const work = mkdtempSync(join(tmpdir(), 'tsrun-seccomp-'))
const compiler = join(work, 'tsrun-seccomp')
const probe = join(work, 'probe')

function build(): string {
  const cc = process.env['CC'] ?? 'cc'
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'))
  const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror']
  const paths = files.map((name) => join(sources, name))
  const first = spawnSync(cc, [...flags, ...paths, '-lseccomp', '-o', compiler])
  if (first.error !== undefined) return `no C compiler (${cc})`
  if (first.status !== 0) {
    const text = first.stderr.toString()
    if (text.includes('seccomp.h: No such file')) return 'libseccomp-dev is not installed'
    throw new Error(text)
  }
  const second = spawnSync(cc, [...flags, '-w', join(here, 'probe.c'), '-o', probe])
  if (second.status !== 0) throw new Error(second.stderr.toString())
  return process.arch === 'x64' ? '' : 'system call numbers of this test are those of x86-64'
}

const missing = build()
const test = suite('seccomp program')
if (missing !== '') console.log(`seccomp program: skipped, ${missing}`)
const check = (name: string, body: () => void) => (missing === '' ? test(name, body) : undefined)
test.after(() => rmSync(work, { recursive: true }))

const NR = { read: 0, write: 1, getpid: 39, mkdir: 83, personality: 135, mount: 165, acct: 163 }
const NEWEST = 451 // cachestat, the newest that the profiles below name and libseccomp 2.5.4 may not know
const EPERM = 1
const ENOSYS = 38

function compile(policy: string | Uint8Array) {
  return spawnSync(compiler, { input: policy })
}

function errnos(seccomp: LinuxSeccomp, ...calls: (string | number)[]): number[] {
  const compiled = compile(compileSeccompPolicy(seccomp, 'x86_64').policy)
  assert.is(compiled.status, 0, compiled.stderr.toString())
  assert.is(compiled.stdout.length % 8, 0)
  const file = join(work, 'filter')
  writeFileSync(file, compiled.stdout)
  const run = spawnSync(probe, [file, ...calls.map(String)])
  assert.is(run.status, 0, `${run.signal} ${run.stderr}`)
  return run.stdout.toString().trim().split('\n').map(Number)
}

/** What the probe itself needs. */
const base = {
  names: ['write', 'exit_group', 'brk', 'mmap', 'munmap'],
  action: 'SCMP_ACT_ALLOW',
} as const

check('allows, denies with the default and with an errno of its own', () => {
  const seccomp: LinuxSeccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 13,
    syscalls: [
      base,
      { names: ['getpid', 'mount'], action: 'SCMP_ACT_ALLOW' },
      { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 },
    ],
  }
  assert.equal(errnos(seccomp, NR.getpid, NR.mkdir, NR.personality), [0, 99, 13])
})

check('compares arguments', () => {
  const MAX = '0xffffffff'
  const cases: [string, number, number | undefined, [string, boolean][]][] = [
    [
      'SCMP_CMP_EQ',
      8,
      undefined,
      [
        ['8', true],
        ['7', false],
        ['0x100000008', false],
      ],
    ],
    [
      'SCMP_CMP_NE',
      8,
      undefined,
      [
        ['8', false],
        ['7', true],
        ['0x100000008', true],
      ],
    ],
    [
      'SCMP_CMP_LT',
      8,
      undefined,
      [
        ['8', false],
        ['7', true],
      ],
    ],
    [
      'SCMP_CMP_LE',
      8,
      undefined,
      [
        ['8', true],
        ['9', false],
      ],
    ],
    [
      'SCMP_CMP_GT',
      8,
      undefined,
      [
        ['8', false],
        ['9', true],
        ['0x100000000', true],
      ],
    ],
    [
      'SCMP_CMP_GE',
      8,
      undefined,
      [
        ['8', true],
        ['7', false],
      ],
    ],
    [
      'SCMP_CMP_MASKED_EQ',
      0xf0,
      0x30,
      [
        ['0x3f', true],
        ['0x4f', false],
      ],
    ],
    [
      'SCMP_CMP_EQ',
      0xffffffff,
      undefined,
      [
        [MAX, true],
        ['0', false],
      ],
    ],
  ]
  for (const [op, value, valueTwo, expected] of cases) {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 13,
      syscalls: [
        base,
        { names: ['umask'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, valueTwo, op }] },
        { names: ['cachestat', 'io_uring_register'], action: 'SCMP_ACT_ALLOW' },
      ],
    } as LinuxSeccomp
    const found = errnos(seccomp, ...expected.map(([argument]) => `95:${argument}`))
    assert.equal(
      found,
      expected.map(([, allowed]) => (allowed ? 0 : 13)),
      `${op} ${value}`,
    )
  }
})

check('needs all conditions on different arguments, any of those on the same one', () => {
  const umask = (args: object[]) =>
    ({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 13,
      syscalls: [base, { names: ['umask'], action: 'SCMP_ACT_ALLOW', args }],
    }) as LinuxSeccomp
  const is = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' })
  const calls = ['95:1:2', '95:1:0', '95:3:2']
  assert.equal(errnos(umask([is(0, 1), is(1, 2)]), ...calls), [0, 13, 13])
  assert.equal(errnos(umask([is(0, 1), is(0, 3)]), ...calls), [0, 0, 0])
})

check('answers ENOSYS to system calls that are newer than the profile', () => {
  const names = ['getpid', 'openat2'] // 437
  const seccomp = (defaultAction: LinuxSeccomp['defaultAction'], more: object = {}): LinuxSeccomp => ({
    defaultAction,
    ...more,
    syscalls: [base, { names, action: 'SCMP_ACT_ALLOW' }],
  })
  const calls = ['436', '438', '700', '0xffffffff']
  assert.equal(errnos(seccomp('SCMP_ACT_ERRNO'), ...calls.slice(0, 3)), [EPERM, ENOSYS, ENOSYS])
  // x32 is not among the architectures: such a number is for the filter to judge, and it kills.
  assert.equal(errnos(seccomp('SCMP_ACT_KILL_PROCESS'), '438', '700'), [ENOSYS, ENOSYS])
  const own = seccomp('SCMP_ACT_ERRNO', { defaultErrnoRet: 13 })
  assert.equal(errnos(own, '436', '438'), [13, ENOSYS])
})

check('counts the names of rules that were left out as known', () => {
  const seccomp: LinuxSeccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [base, { names: ['openat2'], action: 'SCMP_ACT_ERRNO' }],
  }
  assert.equal(errnos(seccomp, '437', '438'), [EPERM, ENOSYS])
})

check('treats each architecture by its own numbers', () => {
  const seccomp: LinuxSeccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'],
    syscalls: [base, { names: ['getpid', 'mkdirat'], action: 'SCMP_ACT_ALLOW' }],
  }
  // mkdirat is 258 on x86-64 and x32, 296 on x86; getpid is 39 and 20.
  const x32 = (number: number) => String(0x40000000 + number)
  const found = errnos(seccomp, '39', '257', '259', 'i20', 'i295', 'i297', x32(257), x32(259))
  const [pid, older, newer, pid32, older32, newer32, olderX32, newerX32] = found
  assert.equal([pid, older, newer], [0, EPERM, ENOSYS])
  if (newer32 === ENOSYS && pid32 !== 0) return console.log('no 32-bit entry in this kernel')
  assert.equal([pid32, older32, newer32], [0, EPERM, ENOSYS])
  assert.equal([olderX32, newerX32], [EPERM, ENOSYS])
})

check('compiles the default profile of docker, also with names it does not know', () => {
  const profile = JSON.parse(readFileSync(dockerProfile, 'utf8')) as LinuxSeccomp
  const { getpid, mount, acct, personality } = NR
  const calls = [getpid, mount, acct, `${personality}:8`, `${personality}:1`, 435, NEWEST + 200]
  assert.equal(errnos(profile, ...calls), [0, EPERM, EPERM, 0, EPERM, ENOSYS, ENOSYS])
  const future = { names: ['not_yet_invented'], action: 'SCMP_ACT_ALLOW' } as const
  assert.equal(errnos({ ...profile, syscalls: [...(profile.syscalls ?? []), future] }, getpid), [0])
})

check('gives the same program for the same policy', () => {
  const { policy } = compileSeccompPolicy(JSON.parse(readFileSync(dockerProfile, 'utf8')) as LinuxSeccomp, 'x86_64')
  assert.ok(compile(policy).stdout.equals(compile(policy).stdout))
})

check('reads nothing but its own grammar', () => {
  const head = 'tsrun-seccomp 1\ndefault errno:1\n'
  const cases: [string, string][] = [
    ['', 'line 1: expected'],
    ['tsrun-seccomp 2\n', 'line 1: expected'],
    ['tsrun-seccomp 1 x\n', 'line 1: expected'],
    ['tsrun-seccomp 1\n', 'expected "default ACTION"'],
    ['tsrun-seccomp 1\ndefault errno:65536\n', 'line 2: expected "default ACTION"'],
    ['tsrun-seccomp 1\ndefault notify\nend\n', 'line 2: notify cannot be'],
    ['tsrun-seccomp 1\narch vax\ndefault allow\nend\n', 'line 2: architecture vax'],
    ['tsrun-seccomp 1\narch s390x\ndefault allow\nend\n', 'line 2: architecture s390x'],
    [head, 'the text ends before "end"'],
    [`${head}rule allow = read\n`, 'the text ends before "end"'],
    [`${head}end`, 'the text ends before "end"'],
    [`${head}end\nx\n`, 'text after "end"'],
    [`${head}end x\n`, 'text after "end"'],
    [`${head}rule allow\nend\n`, 'line 3: a rule without names'],
    [`${head}rule allow =\nend\n`, 'line 3: a rule without names'],
    [`${head}rule maybe = read\nend\n`, 'line 3: bad action'],
    [`${head}rule allow 6:eq:0:0 = read\nend\n`, 'line 3: bad condition'],
    [`${head}rule allow 0:eq:0 = read\nend\n`, 'line 3: bad condition'],
    [`${head}rule allow 0:eq:18446744073709551616:0 = read\nend\n`, 'line 3: bad condition'],
    [`${head}rule allow 0:eq:-1:0 = read\nend\n`, 'line 3: bad condition'],
    [`${head}rules\nend\n`, 'line 3: unknown statement rules'],
    [`${head}\nend\n`, 'line 3: unknown statement'],
    [`${head}end\n\0`, 'NUL byte'],
  ]
  for (const [text, message] of cases) {
    const result = compile(text)
    assert.is(result.status, 1, JSON.stringify(text))
    assert.is(result.stdout.length, 0)
    assert.match(result.stderr.toString(), message)
  }
  const plain = compile(`${head}rule allow = read\nknown write\nend\n`)
  assert.is(plain.status, 0, plain.stderr.toString())
})

check('tells its version', () => {
  const result = spawnSync(compiler, ['--version'])
  assert.match(result.stdout.toString(), /^tsrun-seccomp \(libseccomp \d+\.\d+\.\d+\)\n$/)
})

test.run()
