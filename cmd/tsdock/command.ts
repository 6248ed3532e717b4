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

function optionsOf(flags: readonly CommandFlag[]): Record<string, Options> {
  return Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      { ...yargsType[flag.type], ...(flag.short === undefined ? {} : { alias: flag.short }) },
    ]),
  )
}

type Values = ArgumentsCamelCase<Record<string, unknown>>

/** Reads what follows a command's name. Errors: CommandUsageError. */
export async function parseCommand(
  command: Command,
  words: readonly string[],
): Promise<CommandInvocation & { readonly help: boolean }> {
  const { default: yargs } = await import('yargs')
  const flags = [...globalFlags, ...command.flags]
  const values = (await yargs([...words])
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
      throw new CommandUsageError(error?.message ?? message, command)
    })
    .parseAsync()) as Values
  const positionals = values._.map(String)
  const help = values['help'] === true
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
    isSet: (name) => values[name] === true,
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
  const flags = [...command.flags, ...globalFlags].map((flag) => {
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

/** Whether --format asks for JSON. Errors: CommandUsageError, for anything else but its absence. */
export function wantsJson({ text }: CommandInvocation): boolean {
  const format = text('format')
  if (format === undefined || format === 'json') return format === 'json'
  throw new CommandUsageError(`--format ${JSON.stringify(format)}: json is the only one that there is`, undefined)
}
