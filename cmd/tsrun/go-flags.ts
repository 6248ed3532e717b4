// SPDX-License-Identifier: Apache-2.0
import { type Flag, findVerb, globalFlags, type Verb } from '../flags.ts'

/** A command line in the grammar of Go's flag package, split up. */
export interface CommandLine {
  /** Undefined: none was given. */
  readonly verbName: string | undefined
  readonly verb: Verb | undefined
  /** Flags of both kinds as `--name=value`, with their long names; booleans are `true` or `false`. */
  readonly flags: readonly string[]
  readonly positionals: readonly string[]
  /** -h or --help stood among the flags. */
  readonly help: boolean
  /** -v or --version stood before the verb. */
  readonly version: boolean
}

/** A command line that does not fit; the message is in the words that callers know. */
export class UsageError extends Error {
  readonly verb: Verb | undefined
  /** Flags before the verb, as far as they were understood: they tell where the message goes. */
  readonly globals: readonly string[]

  constructor(message: string, verb?: Verb, globals: readonly string[] = []) {
    super(message)
    this.name = 'UsageError'
    this.verb = verb
    this.globals = globals
  }
}

const truths = ['1', 't', 'T', 'TRUE', 'true', 'True']
const falsehoods = ['0', 'f', 'F', 'FALSE', 'false', 'False']

function parseBool(name: string, value: string, verb: Verb | undefined): boolean {
  if (!truths.includes(value) && !falsehoods.includes(value)) {
    throw new UsageError(`invalid boolean value "${value}" for -${name}: parse error`, verb)
  }
  return truths.includes(value)
}

function checkValue(flag: Flag, value: string, verb: Verb | undefined): string {
  if (flag.type === 'bool') {
    return String(parseBool(flag.name, value, verb))
  }
  const fault = flag.type === 'int' || flag.type === 'ints' ? integerFault(value, flag.type === 'ints') : undefined
  if (fault !== undefined) throw new UsageError(`invalid value "${value}" for flag -${flag.name}: ${fault}`, verb)
  return value
}

/** What is wrong with an integer, in the words of Go. Those of a list are decimal. */
function integerFault(value: string, decimal: boolean): string | undefined {
  const [syntax, start] = decimal ? ['invalid syntax', `strconv.ParseInt: parsing "${value}": `] : ['parse error', '']
  const form = decimal ? /^[+-]?\d+$/ : /^[+-]?(0[0-7]*|[1-9]\d*|0[xX][\da-fA-F]+)$/
  if (!form.test(value)) return `${start}${syntax}`
  const digits = value.replace(/^[+-]/, '')
  const magnitude = BigInt(!decimal && /^0[0-7]+$/.test(digits) ? `0o${digits}` : digits)
  const limit = (1n << 63n) - (value.startsWith('-') ? 0n : 1n)
  return magnitude > limit ? `${start}value out of range` : undefined
}

interface Taken {
  readonly flags: readonly string[]
  /** Index of the first word that is no flag. */
  readonly next: number
  readonly help: boolean
  readonly version: boolean
}

/** Takes flags from `start` on, up to the first positional or `--`. */
function takeFlags(argv: readonly string[], start: number, known: readonly Flag[], verb: Verb | undefined): Taken {
  const flags: string[] = []
  let help = false
  let version = false
  let next = start
  for (; next < argv.length; next++) {
    const word = argv[next] ?? ''
    if (word === '--') {
      next++
      break
    }
    if (!word.startsWith('-') || word === '-') {
      break
    }
    const [, name = '', , given] = /^--?([^=]*)(=([\s\S]*))?$/.exec(word) ?? []
    if (name === '' || name.startsWith('-')) {
      throw new UsageError(`bad flag syntax: ${word}`, verb)
    }
    const flag = known.find((candidate) => candidate.name === name || candidate.short === name)
    if (flag === undefined && (name === 'h' || name === 'help')) {
      help = parseBool(name, given ?? 'true', verb)
    } else if (flag === undefined && verb === undefined && (name === 'v' || name === 'version')) {
      version = parseBool(name, given ?? 'true', verb)
    } else if (flag === undefined) {
      throw new UsageError(`flag provided but not defined: -${name}`, verb)
    } else {
      const value = given ?? (flag.type === 'bool' ? 'true' : argv[++next])
      if (value === undefined) {
        throw new UsageError(`flag needs an argument: -${name}`, verb)
      }
      flags.push(`--${flag.name}=${checkValue(flag, value, verb)}`)
    }
  }
  return { flags, next, help, version }
}

/**
 * The words behind a verb with the flags that stand behind its arguments moved to the front, as the library behind runc's
 * command line does: what follows a flag without `=` is taken for its value, and nothing behind `--` is a flag.
 */
function gatherFlags(words: readonly string[], known: readonly Flag[]): readonly string[] {
  const flagged: string[] = []
  const rest: string[] = []
  let valueMayFollow = false
  for (const [index, word] of words.entries()) {
    const name = /^--?([^=]+)/.exec(word)?.[1]
    const isFlag =
      name !== undefined &&
      (['h', 'help'].includes(name) || known.some((flag) => flag.name === name || flag.short === name))
    if (word === '--' && !valueMayFollow) return [...flagged, '--', ...rest, ...words.slice(index + 1)]
    if (isFlag || valueMayFollow) flagged.push(word)
    else rest.push(word)
    valueMayFollow = isFlag && !word.includes('=')
  }
  return [...flagged, ...rest]
}

function withGlobals<T>(globals: readonly string[], take: () => T): T {
  try {
    return take()
  } catch (e: unknown) {
    throw e instanceof UsageError ? new UsageError(e.message, e.verb, globals) : e
  }
}

/**
 * Splits a command line as Go's flag package does: one or two dashes, `--flag=value`, `--bool=false`. Throws
 * UsageError.
 */
export function parseGoFlags(argv: readonly string[]): CommandLine {
  const globals = takeFlags(argv, 0, globalFlags, undefined)
  const verbName = argv[globals.next]
  const verb = verbName === undefined ? undefined : findVerb(verbName)
  if (verb === undefined || globals.help || globals.version) {
    const positionals = argv.slice(globals.next + 1)
    return { verbName, verb, flags: globals.flags, positionals, help: globals.help, version: globals.version }
  }
  const given = argv.slice(globals.next + 1)
  const words = verb.keepsOrder ? given : gatherFlags(given, verb.flags)
  const own = withGlobals(globals.flags, () => takeFlags(words, 0, verb.flags, verb))
  const positionals = words.slice(own.next)
  return { verbName, verb, flags: [...globals.flags, ...own.flags], positionals, help: own.help, version: false }
}

/** Checks the number of positionals. Throws UsageError. */
export function checkPositionals(verb: Verb, positionals: readonly string[]): void {
  const { minimum, maximum, name } = verb
  if (minimum === maximum && positionals.length !== minimum) {
    throw new UsageError(`tsrun: "${name}" requires exactly ${minimum} argument(s)`, verb)
  }
  if (positionals.length < minimum) {
    throw new UsageError(`tsrun: "${name}" requires a minimum of ${minimum} argument(s)`, verb)
  }
  if (positionals.length > maximum) {
    throw new UsageError(`tsrun: "${name}" requires a maximum of ${maximum} argument(s)`, verb)
  }
}
