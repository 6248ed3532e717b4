// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { exactInteger } from '../../spec/exact-integer.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type {
  LinuxSeccomp,
  LinuxSeccompAction,
  LinuxSeccompArg,
  LinuxSeccompFlag,
  LinuxSeccompOperator,
} from '../../spec/runtime/seccomp.ts'
import { seccompArchitectures } from './architectures.ts'
import { sha256Hex } from './sha256-hex.ts'

/** A profile, ready for tsrun-seccomp. */
export interface SeccompPolicy {
  /** Canonical text (csrc/seccomp/policy.c tells its grammar). */
  readonly policy: Uint8Array
  /** Names the compiled program in the cache: covers all that changes it but the libseccomp on the host. */
  readonly key: string
  /** SECCOMP_FILTER_FLAG_* for seccomp(2). */
  readonly flags: number
  /** Some system calls are answered by a listener. */
  readonly notify: boolean
}

/** First line of the text. A change of the grammar or of what is generated from it needs a new number. */
const header = 'tsrun-seccomp 1'

/* <linux/seccomp.h> */
const filterFlags: Readonly<Record<LinuxSeccompFlag, number>> = {
  // The filter is loaded by a process with one thread: there is nothing to synchronise, and together
  // with a listener the kernel would ask for one more flag.
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 1 << 1,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 1 << 2,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 1 << 5,
}
const FLAG_NEW_LISTENER = 1 << 3

const actions: Readonly<Record<LinuxSeccompAction, string>> = {
  SCMP_ACT_KILL: 'kill_thread',
  SCMP_ACT_KILL_THREAD: 'kill_thread',
  SCMP_ACT_KILL_PROCESS: 'kill_process',
  SCMP_ACT_TRAP: 'trap',
  SCMP_ACT_ERRNO: 'errno',
  SCMP_ACT_TRACE: 'trace',
  SCMP_ACT_ALLOW: 'allow',
  SCMP_ACT_LOG: 'log',
  SCMP_ACT_NOTIFY: 'notify',
}

const operators: Readonly<Record<LinuxSeccompOperator, string>> = {
  SCMP_CMP_NE: 'ne',
  SCMP_CMP_LT: 'lt',
  SCMP_CMP_LE: 'le',
  SCMP_CMP_EQ: 'eq',
  SCMP_CMP_GE: 'ge',
  SCMP_CMP_GT: 'gt',
  SCMP_CMP_MASKED_EQ: 'masked_eq',
}

const EPERM = 1
const ENOSYS = 38
const base = '/linux/seccomp'

/** With more system calls than this a search tree pays off, as in peers. */
const treeThreshold = 32

/**
 * Compiles a profile to the text that tsrun-seccomp reads.
 * Spec: config-linux.md#seccomp. Errors: invalid-config.
 */
export function compileSeccompPolicy(seccomp: LinuxSeccomp, machine: string): SeccompPolicy {
  const byDefault = defaultAction(seccomp)
  const rules = compileRules(seccomp, byDefault)
  const notify = rules.lines.some((line) => line.startsWith('rule notify '))
  if (notify && !seccomp.listenerPath) {
    throw bad(`${base}/listenerPath`, 'must be set, because a rule has the action SCMP_ACT_NOTIFY')
  }
  const lines = [header]
  const foreign = (seccomp.architectures ?? []).map((name, index) => {
    const token = Object.hasOwn(seccompArchitectures, name) ? seccompArchitectures[name] : undefined
    if (token === undefined) throw bad(`${base}/architectures/${index}`, `unknown: ${name}`)
    return token
  })
  if (foreign.length > 0) lines.push(`arch ${[...new Set(foreign)].join(' ')}`)
  lines.push(`default ${byDefault}`)
  if (rules.count > treeThreshold) lines.push('tree')
  if (wantsEnosys(byDefault)) lines.push('enosys')
  lines.push(...rules.lines, 'end', '')
  const text = lines.join('\n')
  const policy = new TextEncoder().encode(text)
  const key = sha256Hex(new TextEncoder().encode(`${machine}\n${text}`))
  return { policy, key, flags: compileFlags(seccomp, notify), notify }
}

function bad(pointer: string, what: string): TsrunError {
  return new TsrunError('invalid-config', `${pointerLabel(pointer)}: ${what}`, { pointer })
}

function defaultAction(seccomp: LinuxSeccomp): string {
  const pointer = `${base}/defaultAction`
  if (seccomp.defaultAction === 'SCMP_ACT_NOTIFY') {
    throw bad(pointer, 'SCMP_ACT_NOTIFY cannot be used as default action')
  }
  return compileAction(seccomp.defaultAction, pointer, seccomp.defaultErrnoRet, 'defaultErrnoRet')
}

/** Spec: "some actions do not support an errno; then the runtime must fail when one is given". */
function compileAction(
  action: LinuxSeccompAction,
  pointer: string,
  errnoRet: number | undefined,
  errnoField: string,
): string {
  const name = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (name === undefined) throw bad(pointer, `unknown action ${action}`)
  const errnoPointer = pointer.replace(/[^/]*$/, errnoField)
  if (name !== 'errno' && name !== 'trace') {
    if (errnoRet !== undefined) throw bad(errnoPointer, `must not be set with ${action}`)
    return name
  }
  const value = errnoRet ?? EPERM
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
    throw bad(errnoPointer, `${value} does not fit into 16 bits`)
  }
  return `${name}:${value}`
}

/**
 * A profile cannot know system calls that came after it. Programs probe for those and fall back on
 * ENOSYS, but not on EPERM or death; a default that lets calls through needs no such care, and a
 * tracer answers for itself.
 */
function wantsEnosys(byDefault: string): boolean {
  const permissive = byDefault === 'allow' || byDefault === 'log' || byDefault.startsWith('trace:')
  return !permissive && byDefault !== `errno:${ENOSYS}`
}

function compileRules(seccomp: LinuxSeccomp, byDefault: string): { lines: string[]; count: number } {
  const lines: string[] = []
  let count = 0
  for (const [index, rule] of (seccomp.syscalls ?? []).entries()) {
    const pointer = `${base}/syscalls/${index}`
    const action = compileAction(rule.action, `${pointer}/action`, rule.errnoRet, 'errnoRet')
    const names = rule.names.join(' ')
    checkNames(rule.names, names, action, pointer)
    count += rule.names.length
    if (action === byDefault) {
      // Nothing to do, yet the profile knows these names: they are no newcomers.
      if (rule.names.length > 0) lines.push(`known ${names}`)
      continue
    }
    for (const conditions of compileConditions(rule.args ?? [], pointer)) {
      if (rule.names.length > 0) lines.push(`rule ${action}${conditions} = ${names}`)
    }
  }
  return { lines, count }
}

/** `joined`: the names with spaces between them, to look at hundreds of names at once. */
function checkNames(names: readonly string[], joined: string, action: string, pointer: string): void {
  const wellFormed = /^[A-Za-z0-9_]{1,64}(?: [A-Za-z0-9_]{1,64})*$/.test(joined)
  if (names.length > 0 && !(wellFormed && joined.split(' ').length === names.length)) {
    const at = names.findIndex((name) => !/^[A-Za-z0-9_]{1,64}$/.test(name))
    throw bad(`${pointer}/names/${Math.max(at, 0)}`, `${JSON.stringify(names[at])} is not the name of a system call`)
  }
  if (action !== 'notify') return
  // Init itself hands the listener over, after the filter has come into force.
  const at = names.findIndex((name) => name === 'write' || name === 'sendmsg')
  if (at < 0) return
  throw bad(`${pointer}/names/${at}`, `SCMP_ACT_NOTIFY cannot be used for the ${names[at]} syscall`)
}

/**
 * One text for each rule that the conditions amount to. All must hold; but when two are about the
 * same argument, each is a rule of its own: profiles rely on that since before it was sensible.
 */
function compileConditions(args: readonly LinuxSeccompArg[], pointer: string): string[] {
  if (args.length === 0) return ['']
  const texts = args.map((arg, index) => compileCondition(arg, `${pointer}/args/${index}`))
  const distinct = new Set(args.map((arg) => arg.index)).size === args.length
  return distinct ? [texts.join('')] : texts
}

function compileCondition(arg: LinuxSeccompArg, pointer: string): string {
  const op = Object.hasOwn(operators, arg.op) ? operators[arg.op] : undefined
  if (op === undefined) throw bad(`${pointer}/op`, `unknown operator ${arg.op}`)
  if (!Number.isInteger(arg.index) || arg.index < 0 || arg.index > 5) {
    throw bad(`${pointer}/index`, `${arg.index} is not in the range 0 to 5`)
  }
  const value = toUint64(arg, 'value', pointer)
  const valueTwo = toUint64(arg, 'valueTwo', pointer)
  return ` ${arg.index}:${op}:${value}:${valueTwo}`
}

function toUint64(arg: LinuxSeccompArg, field: 'value' | 'valueTwo', pointer: string): string {
  const value = exactInteger(arg, field)
  if (!Number.isInteger(arg[field] ?? 0) || value < 0n || value > 0xffffffffffffffffn) {
    throw bad(`${pointer}/${field}`, `${value} is not an unsigned 64-bit number`)
  }
  return String(value)
}

function compileFlags(seccomp: LinuxSeccomp, notify: boolean): number {
  let flags = notify ? FLAG_NEW_LISTENER : 0
  // Without the field, and only then, processes are spared the costly mitigation that seccomp brings
  // with it otherwise on old kernels.
  for (const [index, flag] of (seccomp.flags ?? ['SECCOMP_FILTER_FLAG_SPEC_ALLOW']).entries()) {
    const value = Object.hasOwn(filterFlags, flag) ? filterFlags[flag as LinuxSeccompFlag] : undefined
    const pointer = `${base}/flags/${index}`
    if (value === undefined) throw bad(pointer, `unknown flag ${flag}`)
    if (flag === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' && !notify) {
      throw bad(pointer, `${flag} needs a rule with the action SCMP_ACT_NOTIFY`)
    }
    flags |= value
  }
  return flags
}
