// SPDX-License-Identifier: Apache-2.0
import type { ArgumentsCamelCase, Options } from 'yargs'

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

const yargsType: Readonly<Record<CommandFlag['type'], Options>> = {
  boolean: { type: 'boolean' },
  string: { type: 'string', requiresArg: true },
  number: { type: 'number', requiresArg: true },
  list: { type: 'string', array: true, requiresArg: true },
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

function optionsOf(flags: readonly CommandFlag[]): Record<string, Options> {
  return Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      { ...yargsType[flag.type], ...(flag.short === undefined ? {} : { alias: flag.short }) },
    ]),
  )
}

/**
 * Words as yargs understands them without doubt: `-p4000:80`, `-it`, `-m -1` and `--net host` become `--publish=4000:80`,
 * `--interactive`, `--tty`, `--memory=-1` and `--network=host`. What is unknown stays for yargs to refuse.
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
      plain.push(...(word === '--' && stopAtPositional ? [] : [word]), ...left)
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

/** yargs' complaints in the words that users of docker know. */
function usageText(message: string): string {
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1]
  if (unknown !== undefined) {
    return unknown.length === 1 ? `unknown shorthand flag: '${unknown}' in -${unknown}` : `unknown flag: --${unknown}`
  }
  const missing = /^Not enough arguments following: (.+)$/.exec(message)?.[1]
  return missing === undefined ? message : `flag needs an argument: --${missing}`
}

type Values = ArgumentsCamelCase<Record<string, unknown>>

/** Reads what follows a command's name. Errors: CommandUsageError. */
export async function parseCommand(
  command: Command,
  words: readonly string[],
): Promise<CommandInvocation & { readonly help: boolean }> {
  const { default: yargs } = await import('yargs')
  const flags = [...globalFlagsFor(command), ...command.flags]
  const plain = plainWords(flags, words, command.stopAtPositional === true)
  const values = (await yargs([...plain])
    .help(false)
    .version(false)
    .exitProcess(false)
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
      'halt-at-non-option': command.stopAtPositional === true,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': false,
      'strip-aliased': true,
    })
    .options(optionsOf(flags))
    .string('_')
    .strictOptions()
    .fail((message, error) => {
      throw new CommandUsageError(usageText(error?.message ?? message), command)
    })
    .parseAsync()) as Values
  const positionals = values._.map(String)
  const help = [values['help']].flat().at(-1) === true
  if (!help) checkCount(command, positionals.length)
  const text = (name: string): string | undefined => {
    const value = values[name]
    if (value === undefined) return undefined
    return Array.isArray(value) ? String(value.at(-1)) : String(value)
  }
  return {
    positionals,
    text,
    list: (name) => {
      const value = values[name]
      return value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)]
    },
    isSet: (name) => [values[name]].flat().at(-1) === true,
    isGiven: (name) => values[name] !== undefined,
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
