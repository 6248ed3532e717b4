// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileSeccompPolicy } from '../../../../runtime/seccomp/policy.ts'
import type { LinuxSeccomp } from '../../../../spec/runtime/seccomp.ts'

function textOf(seccomp: LinuxSeccomp): string {
  return new TextDecoder().decode(compileSeccompPolicy(seccomp, 'x86_64').policy)
}

function refusal(seccomp: unknown): string {
  try {
    compileSeccompPolicy(seccomp as LinuxSeccomp, 'x86_64')
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

const denyAll: LinuxSeccomp = { defaultAction: 'SCMP_ACT_ERRNO' }

test('writes one statement a line, in a fixed order', () => {
  const text = textOf({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86'],
    syscalls: [
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['personality'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }],
      },
      {
        names: ['clone'],
        action: 'SCMP_ACT_TRACE',
        errnoRet: 7,
        args: [
          { index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
          { index: 2, value: 5, op: 'SCMP_CMP_GT' },
        ],
      },
    ],
  })
  assert.is(
    text,
    [
      'tsrun-seccomp 1',
      'arch x86_64 x86 x32',
      'default errno:1',
      'enosys',
      'rule allow = read write',
      'rule allow 0:eq:8:0 = personality',
      'rule trace:7 0:masked_eq:2114060288:0 2:gt:5:0 = clone',
      'end',
      '',
    ].join('\n'),
  )
})

test('makes a rule of each condition when two are about the same argument', () => {
  const text = textOf({
    ...denyAll,
    syscalls: [
      {
        names: ['socket'],
        action: 'SCMP_ACT_ALLOW',
        args: [
          { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
          { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
          { index: 1, value: 3, op: 'SCMP_CMP_EQ' },
        ],
      },
    ],
  })
  const rules = text.split('\n').filter((line) => line.startsWith('rule'))
  assert.equal(rules, ['rule allow 0:eq:1:0 = socket', 'rule allow 0:eq:2:0 = socket', 'rule allow 1:eq:3:0 = socket'])
})

test('leaves out rules that say what the default says, but keeps their names', () => {
  const text = textOf({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    syscalls: [
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO' },
      { names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ],
  })
  assert.match(text, '\nknown clone3\nrule errno:38 = mount\n')
})

test('asks for ENOSYS only where the default denies with something else', () => {
  const cases: [LinuxSeccomp, boolean][] = [
    [{ defaultAction: 'SCMP_ACT_ERRNO' }, true],
    [{ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }, false],
    [{ defaultAction: 'SCMP_ACT_KILL' }, true],
    [{ defaultAction: 'SCMP_ACT_KILL_PROCESS' }, true],
    [{ defaultAction: 'SCMP_ACT_TRAP' }, true],
    [{ defaultAction: 'SCMP_ACT_ALLOW' }, false],
    [{ defaultAction: 'SCMP_ACT_LOG' }, false],
    [{ defaultAction: 'SCMP_ACT_TRACE' }, false],
  ]
  for (const [seccomp, wanted] of cases) {
    assert.is(textOf(seccomp).includes('\nenosys\n'), wanted, JSON.stringify(seccomp))
  }
})

test('asks for a search tree when there are many rules', () => {
  const names = Array.from({ length: 33 }, (_, index) => `call${index}`)
  const rule = (count: number) => ({
    ...denyAll,
    syscalls: [{ names: names.slice(0, count), action: 'SCMP_ACT_ALLOW' as const }],
  })
  assert.not.match(textOf(rule(32)), '\ntree\n')
  assert.match(textOf(rule(33)), '\ntree\n')
})

test('translates every action', () => {
  const cases = {
    SCMP_ACT_KILL: 'kill_thread',
    SCMP_ACT_KILL_THREAD: 'kill_thread',
    SCMP_ACT_KILL_PROCESS: 'kill_process',
    SCMP_ACT_TRAP: 'trap',
    SCMP_ACT_ERRNO: 'errno:1',
    SCMP_ACT_TRACE: 'trace:1',
    SCMP_ACT_LOG: 'log',
    SCMP_ACT_NOTIFY: 'notify',
  } as const
  for (const [action, name] of Object.entries(cases)) {
    const text = textOf({
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: '/run/agent.sock',
      syscalls: [{ names: ['mkdir'], action: action as keyof typeof cases }],
    })
    assert.match(text, `rule ${name} = mkdir\n`)
  }
})

test('gives the flags of seccomp(2)', () => {
  const flagsOf = (seccomp: Partial<LinuxSeccomp>) => compileSeccompPolicy({ ...denyAll, ...seccomp }, 'x86_64').flags
  const listener: Partial<LinuxSeccomp> = {
    listenerPath: '/run/agent.sock',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
  }
  assert.is(flagsOf({}), 4, 'SPEC_ALLOW when the field is absent')
  assert.is(flagsOf({ flags: [] }), 0)
  assert.is(flagsOf({ flags: ['SECCOMP_FILTER_FLAG_TSYNC'] }), 0)
  assert.is(flagsOf({ flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] }), 6)
  assert.is(flagsOf({ ...listener, flags: [] }), 8)
  assert.is(flagsOf({ ...listener, flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), 40)
  assert.is(compileSeccompPolicy({ ...denyAll, ...listener }, 'x86_64').notify, true)
  assert.is(compileSeccompPolicy(denyAll, 'x86_64').notify, false)
})

test('values of all 64 bits are taken, as numbers of a program too', () => {
  const valueText = (value: number) =>
    textOf({
      ...denyAll,
      syscalls: [{ names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, value, op: 'SCMP_CMP_EQ' }] }],
    }).match(/1:eq:(\d+):0/)?.[1]
  assert.is(valueText(4294967295), '4294967295')
  assert.is(valueText(2 ** 63), '9223372036854775808')
  assert.throws(() => valueText(2 ** 64), /value: 18446744073709551616 is not an unsigned 64-bit number/)
})

test('derives the key from the text and the machine alone', () => {
  const { key, policy } = compileSeccompPolicy(denyAll, 'x86_64')
  const text = new TextDecoder().decode(policy)
  assert.is(key, createHash('sha256').update(`x86_64\n${text}`).digest('hex'))
  assert.is(compileSeccompPolicy({ ...denyAll, flags: [] }, 'x86_64').key, key)
  assert.is.not(compileSeccompPolicy(denyAll, 'aarch64').key, key)
})

test('refuses what it cannot honour, by name', () => {
  const rule = (syscall: object, more: object = {}) => ({
    ...denyAll,
    ...more,
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ALLOW', ...syscall }],
  })
  const arg = { index: 0, value: 1, op: 'SCMP_CMP_EQ' }
  const cases: [unknown, string][] = [
    [{ defaultAction: 'SCMP_ACT_NOTIFY' }, 'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY'],
    [{ defaultAction: 'toString' }, 'linux.seccomp.defaultAction: unknown action toString'],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
      'linux.seccomp.defaultErrnoRet: must not be set with SCMP_ACT_ALLOW',
    ],
    [{ ...denyAll, architectures: ['SCMP_ARCH_VAX'] }, 'linux.seccomp.architectures[0]: unknown'],
    [{ ...denyAll, flags: ['X'] }, 'linux.seccomp.flags[0]: unknown flag X'],
    [
      { ...denyAll, flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] },
      'linux.seccomp.flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule',
    ],
    [rule({ errnoRet: 5 }), 'linux.seccomp.syscalls[0].errnoRet: must not be set'],
    [rule({ action: 'SCMP_ACT_TRACE', errnoRet: 65536 }), 'linux.seccomp.syscalls[0].errnoRet: 65536 does not fit'],
    [rule({ names: ['read', ''] }), 'linux.seccomp.syscalls[0].names[1]: "" is not'],
    [rule({ names: ['a b'] }), 'linux.seccomp.syscalls[0].names[0]: "a b" is not'],
    [rule({ names: ['a\nend'] }), 'linux.seccomp.syscalls[0].names[0]: "a\\nend" is not'],
    [rule({ args: [{ ...arg, index: 6 }] }), 'linux.seccomp.syscalls[0].args[0].index: 6 is not'],
    [rule({ args: [{ ...arg, op: '=' }] }), 'linux.seccomp.syscalls[0].args[0].op: unknown'],
    [rule({ args: [{ ...arg, value: -1 }] }), 'linux.seccomp.syscalls[0].args[0].value: -1 is not'],
    [
      rule({ action: 'SCMP_ACT_NOTIFY' }),
      'linux.seccomp.listenerPath: must be set, because a rule has the action SCMP_ACT_NOTIFY',
    ],
    [
      rule({ names: ['read', 'write'], action: 'SCMP_ACT_NOTIFY' }, { listenerPath: '/s' }),
      'linux.seccomp.syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used for the write syscall',
    ],
  ]
  for (const [seccomp, message] of cases) assert.match(refusal(seccomp), message)
})

test.run()
