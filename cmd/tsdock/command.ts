// SPDX-License-Identifier: Apache-2.0
// Command lines are read by node:util's parseArgs. yargs, which reads those of tsrun, takes 8 ms for it, of the 35 that
// `tsdock run` takes.

import { parseArgs } from 'node:util'

export interface CommandFlag {
  readonly name: string
  readonly short?: string
  /** list: may come several times. */
  readonly type: 'boolean' | 'string' | 'number' | 'list'
  readonly summary: string
  /** What stands for the value in the help. */
  readonly value?: string
  /** Other names that mean the same. */
  readonly aliases?: readonly string[]
}

export interface CommandInvocation {
  readonly positionals: readonly string[]
  readonly text: (name: string) => string | undefined
  readonly list: (name: string) => readonly string[]
  readonly isSet: (name: string) => boolean
  readonly isGiven: (name: string) => boolean
  readonly number: (name: string) => number | undefined
  /** --storage */
  readonly storage: string | undefined
}

/** One word of the command line, or two: `volume ls`. */
export interface Command {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly summary: string
  /** What follows the name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string
  readonly flags: readonly CommandFlag[]
  readonly positionals: { readonly min: number; readonly max: number }
  /** What follows the first positional belongs to a program. */
  readonly stopAtPositional?: boolean
  /** It needs no storage: for users, it runs outside of their namespaces. */
  readonly anywhere?: boolean
  readonly examples: readonly string[]
  readonly load: () => Promise<(invocation: CommandInvocation) => Promise<number>>
}

/** The user called it wrongly. */
export class CommandUsageError extends Error {
  readonly command: Command | undefined
  constructor(message: string, command: Command | undefined) {
    super(message)
    this.command = command
  }
}

export const globalFlags: readonly CommandFlag[] = [
  { name: 'storage', type: 'string', value: 'DIR', summary: 'where images, layers and containers are kept' },
  { name: 'help', short: 'h', type: 'boolean', summary: 'show this' },
]

/** -h is another option for some commands. */
const globalFlagsFor = (command: Command): readonly CommandFlag[] =>
  globalFlags.map((flag) => {
    if (!command.flags.some(({ short }) => short !== undefined && short === flag.short)) return flag
    const { short: _, ...rest } = flag
    return rest
  })

/**
 * Words as parseArgs understands them without doubt: `-p4000:80`, `-it`, `-m -1` and `--net host` become `--publish=4000:80`,
 * `--interactive`, `--tty`, `--memory=-1` and `--network=host`. What is unknown stays, to be refused.
 */
export function plainWords(
  flags: readonly CommandFlag[],
  words: readonly string[],
  stopAtPositional: boolean,
): readonly string[] {
  const plain: string[] = []
  const left = [...words]
  const take = (found: CommandFlag, attached: string | undefined): void => {
    const value = attached ?? (found.type === 'boolean' ? undefined : left.shift())
    plain.push(value === undefined ? `--${found.name}` : `--${found.name}=${value}`)
  }
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--' || (stopAtPositional && (word === '-' || !word.startsWith('-')))) {
      plain.push('--', ...(word === '--' ? [] : [word]), ...left)
      break
    }
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(word)
    if (long !== null) {
      const found = flags.find(({ name, aliases }) => name === long[1] || aliases?.includes(long[1] ?? ''))
      if (found === undefined) plain.push(word)
      else take(found, long[2])
    } else if (/^-[^-]/.test(word)) takeShort(flags, word, take, plain)
    else plain.push(word)
  }
  return plain
}

function takeShort(
  flags: readonly CommandFlag[],
  word: string,
  take: (found: CommandFlag, attached: string | undefined) => void,
  plain: string[],
): void {
  for (let at = 1; at < word.length; at++) {
    const found = flags.find(({ short }) => short === word[at])
    const rest = word.slice(at + 1)
    if (found === undefined) {
      plain.push(`-${word.slice(at)}`)
      return
    }
    if (found.type !== 'boolean' || rest.startsWith('=')) {
      take(found, rest === '' ? undefined : rest.replace(/^=/, ''))
      return
    }
    take(found, undefined)
  }
}

/** Go's strconv.ParseBool, whose words docker takes. */
const isTrue = (word: string): boolean => ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(word)
const isFalse = (word: string): boolean => ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(word)

interface Values {
  readonly given: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
}

/** Errors: CommandUsageError, in the words that users of docker know. */
function readWords(command: Command, flags: readonly CommandFlag[], words: readonly string[]): Values {
  const types = new Map(flags.map(({ name, type }) => [name, type]))
  const { tokens, positionals } = parseArgs({
    args: [...plainWords(flags, words, command.stopAtPositional === true)],
    options: Object.fromEntries(
      [...types].map(([name, type]) => [name, { type: type === 'boolean' ? type : 'string' }]),
    ),
    // What it finds wrong is told here, since users know docker's words for it.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const type = types.get(name)
    if (type === undefined) {
      const letter = rawName.startsWith('--') ? undefined : rawName.slice(1)
      throw new CommandUsageError(
        letter === undefined ? `unknown flag: --${name}` : `unknown shorthand flag: '${letter}' in -${letter}`,
        command,
      )
    }
    if (value === undefined && type !== 'boolean')
      throw new CommandUsageError(`flag needs an argument: --${name}`, command)
    if (type === 'boolean' && value !== undefined && !isTrue(value) && !isFalse(value)) {
      throw new CommandUsageError(
        `invalid argument "${value}" for "--${name}" flag: it is neither true nor false`,
        command,
      )
    }
    given.set(name, [...(given.get(name) ?? []), value ?? 'true'])
  }
  return { given, positionals }
}

/** Reads what follows a command's name. Errors: CommandUsageError. */
export function parseCommand(
  command: Command,
  words: readonly string[],
): CommandInvocation & { readonly help: boolean } {
  const { given, positionals } = readWords(command, [...globalFlagsFor(command), ...command.flags], words)
  const text = (name: string): string | undefined => given.get(name)?.at(-1)
  const isSet = (name: string): boolean => isTrue(text(name) ?? '')
  const help = isSet('help')
  if (!help) checkCount(command, positionals.length)
  return {
    positionals,
    text,
    list: (name) => given.get(name) ?? [],
    isSet,
    isGiven: (name) => given.has(name),
    number: (name) => {
      const value = text(name)
      if (value === undefined) return undefined
      const result = Number(value)
      if (value.trim() === '' || !Number.isFinite(result))
        throw new CommandUsageError(`--${name}: "${value}" is no number`, command)
      return result
    },
    storage: text('storage'),
    help,
  }
}

function checkCount(command: Command, count: number): void {
  const { min, max } = command.positionals
  if (count >= min && count <= max) return
  const wanted = min === max ? `exactly ${min}` : count < min ? `at least ${min}` : `at most ${max}`
  throw new CommandUsageError(
    `"tsdock ${command.name}" takes ${wanted} argument${min === 1 && max === 1 ? '' : 's'}`,
    command,
  )
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const flags = [...command.flags, ...globalFlagsFor(command)].map((flag) => {
    const value = flag.type === 'boolean' ? '' : ` ${flag.value ?? (flag.type === 'number' ? 'N' : 'TEXT')}`
    return [`${flag.short === undefined ? '    ' : `-${flag.short}, `}--${flag.name}${value}`, flag.summary] as const
  })
  const width = Math.max(...flags.map(([left]) => left.length)) + 2
  const examples = command.examples.map((example) => `  ${example}`)
  return [
    `usage: tsdock ${command.name} ${command.usage}`,
    '',
    command.summary,
    ...(command.aliases === undefined ? [] : ['', `also: ${command.aliases.join(', ')}`]),
    '',
    'options:',
    ...flags.map(([left, summary]) => `  ${left.padEnd(width)}${summary}`),
    ...(examples.length === 0 ? [] : ['', 'examples:', ...examples]),
    '',
  ].join('\n')
}
