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

  constructor(message: string, verb?: Verb) {
    super(message)
    this.name = 'UsageError'
    this.verb = verb
  }
}

const truths = ['1', 't', 'T', 'TRUE', 'true', 'True']
const falsehoods = ['0', 'f', 'F', 'FALSE', 'false', 'False']

function checkValue(flag: Flag, value: string, verb: Verb | undefined): string {
  if (flag.type === 'bool') {
    if (!truths.includes(value) && !falsehoods.includes(value)) {
      throw new UsageError(`invalid boolean value "${value}" for -${flag.name}: parse error`, verb)
    }
    return String(truths.includes(value))
  }
  if (flag.type === 'int' && !/^[+-]?(0[0-7]*|[1-9]\d*|0[xX][\da-fA-F]+)$/.test(value)) {
    throw new UsageError(`invalid value "${value}" for flag -${flag.name}: parse error`, verb)
  }
  return value
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
      help = true
    } else if (flag === undefined && verb === undefined && (name === 'v' || name === 'version')) {
      version = true
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
 * Splits a command line as Go's flag package does: one or two dashes, `--flag=value`, `--bool=false`, and no flag after
 * the first positional. Throws UsageError.
 */
export function parseGoFlags(argv: readonly string[]): CommandLine {
  const globals = takeFlags(argv, 0, globalFlags, undefined)
  const verbName = argv[globals.next]
  const verb = verbName === undefined ? undefined : findVerb(verbName)
  if (verb === undefined || globals.help || globals.version) {
    const positionals = argv.slice(globals.next + 1)
    return { verbName, verb, flags: globals.flags, positionals, help: globals.help, version: globals.version }
  }
  const own = takeFlags(argv, globals.next + 1, verb.flags, verb)
  const positionals = argv.slice(own.next)
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
