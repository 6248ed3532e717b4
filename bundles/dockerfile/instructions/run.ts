// SPDX-License-Identifier: Apache-2.0
import { parseFlags } from '../flags.ts'
import { baseName } from '../go-path.ts'
import { parseCsvLine, parseGoBool } from '../go-values.ts'
import { heredocText, parseHeredocMark } from '../heredoc.ts'
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { suggest } from '../suggest.ts'
import { type CommandLine, commandOf, type Expander, type Placed, placeOf } from './arguments.ts'
import { type Mount, mountFrom, parseMount } from './run-mount.ts'

const NETWORKS = ['default', 'none', 'host'] as const
const SECURITIES = ['sandbox', 'insecure'] as const

/** A device in the words of CDI. */
export interface Device {
  readonly name: string
  readonly required: boolean
}

/** RUN [flags] command */
export interface RunInstruction extends Placed {
  readonly kind: 'run'
  readonly command: CommandLine
  /** As they are written, with variables. */
  readonly mountFlags: readonly string[]
  /** What the mounts are from, of those that say so. */
  readonly mountsFrom: readonly string[]
  readonly network: (typeof NETWORKS)[number]
  readonly security: (typeof SECURITIES)[number]
  readonly devices: readonly Device[]
}

export interface ExpandedRun extends RunInstruction {
  readonly mounts: readonly Mount[]
}

const FLAGS = { mount: 'list', network: 'string', security: 'string', device: 'list' } as const

function oneOf<T extends string>(flag: string, value: string | undefined, known: readonly T[], usual: T): T {
  if (value === undefined) return usual
  const found = known.find((one) => one === value)
  if (found !== undefined) return found
  throw new Problem(`--${flag}: ${value} is unknown`, {
    at: value,
    expected: known.join(', '),
    meant: suggest(value, known),
  })
}

function parseDevice(text: string): Device {
  let name = ''
  let required = false
  for (const field of parseCsvLine(text)) {
    const equals = field.indexOf('=')
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase()
    const value = equals < 0 ? undefined : field.slice(equals + 1)
    if (key === 'required') {
      const found = value === undefined ? true : parseGoBool(value)
      if (found === undefined)
        throw new Problem(`--device: required=${value}`, { at: field, expected: 'true or false' })
      required = found
    } else if (key === 'name' && value !== undefined && name === '') name = value
    else if (name === '' && key !== 'name') name = field
    else throw new Problem(`--device: unknown option ${field}`, { at: field, expected: 'NAME[,required]' })
  }
  if (name === '') throw new Problem('--device has no name', { at: text, expected: 'VENDOR/CLASS=NAME' })
  return { name, required }
}

export function parseRun(statement: Statement): RunInstruction {
  const flags = parseFlags(statement.flags, FLAGS)
  const command = commandOf(statement)
  if (command.form === 'exec' && command.args.length === 0) {
    throw new Problem('RUN has no command', { at: '[', expected: '["program", "argument"]' })
  }
  // A mount without variables is read now, so that a mistake is found before anything runs.
  for (const text of flags.mount) if (!/[$\\`'"]/.test(text)) parseMount(text, (value) => value)
  return {
    kind: 'run',
    ...placeOf(statement),
    command,
    mountFlags: flags.mount,
    mountsFrom: [...new Set(flags.mount.map(mountFrom).filter((from) => from !== undefined))],
    network: oneOf('network', flags.network, NETWORKS, 'default'),
    security: oneOf('security', flags.security, SECURITIES, 'sandbox'),
    devices: flags.device.map(parseDevice),
  }
}

/** Puts variables into the mounts. The command is left to its shell. */
export function expandRun(instruction: RunInstruction, expander: Expander): ExpandedRun {
  const mounts = instruction.mountFlags.map((text) => parseMount(text, (value) => expander.word(value)))
  return { ...instruction, mounts }
}

/** A file that a command runs from. */
export interface Script {
  /** Without directories. */
  readonly name: string
  readonly text: string
}

export interface Program {
  readonly args: readonly string[]
  /** To be put at `path` while the command runs, executable for all. */
  readonly script: (Script & { readonly path: string }) | undefined
}

/** Where scripts are seen by their command. */
export const SCRIPT_DIRECTORY = '/dev/pipes'

/** What is run for a command: a heredoc alone is a script for the shell, or for the program that its `#!` names. */
export function programOf(command: CommandLine, shell: readonly string[]): Program {
  if (command.form === 'exec') return { args: command.args, script: undefined }
  const [first] = command.heredocs
  if (first === undefined) return { args: [...shell, command.line], script: undefined }
  if (parseHeredocMark(command.line) === undefined) {
    // The shell reads the heredocs itself.
    const texts = command.heredocs.map(({ text, name }) => `\n${text}${name}`)
    return { args: [...shell, command.line + texts.join('')], script: undefined }
  }
  const text = heredocText(first)
  if (!text.startsWith('#!')) return { args: [...shell, text], script: undefined }
  const base = baseName(first.name)
  const name = ['/', '.', '..'].includes(base) ? 'script' : base
  const path = `${SCRIPT_DIRECTORY}/${name}`
  return { args: [...shell, path], script: { name, text, path } }
}
