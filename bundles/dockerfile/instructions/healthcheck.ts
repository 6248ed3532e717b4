// SPDX-License-Identifier: Apache-2.0
import { parseFlags } from '../flags.ts'
import { parseGoDuration, parseNumber } from '../go-values.ts'
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { commandOf, type Placed, placeOf, refuseFlags } from './arguments.ts'

/** HEALTHCHECK [options] CMD command, or HEALTHCHECK NONE. A value of 0 is that of the engine. */
export interface HealthcheckInstruction extends Placed {
  readonly kind: 'healthcheck'
  /** As in the image config: `NONE`, `CMD` and arguments, or `CMD-SHELL` and a line. */
  readonly test: readonly string[]
  readonly intervalNs: number
  readonly timeoutNs: number
  readonly startPeriodNs: number
  readonly startIntervalNs: number
  readonly retries: number
}

const FLAGS = {
  'interval': 'string',
  'timeout': 'string',
  'start-period': 'string',
  'start-interval': 'string',
  'retries': 'string',
} as const

const MILLISECOND = 1e6

function duration(flag: string, text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const value = parseGoDuration(text)
  if (value === undefined)
    throw new Problem(`--${flag}: ${text} is no duration`, { at: text, expected: '30s, 1m30s or the like' })
  if (value !== 0 && value < MILLISECOND) {
    throw new Problem(`--${flag}: ${text} is too short`, { at: text, expected: '0 or at least 1ms' })
  }
  return value
}

function parseRetries(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const value = parseNumber(text.replace(/^\+/, ''), 10, 2 ** 31)
  if (value === undefined)
    throw new Problem(`--retries: ${text} is no count`, { at: text, expected: 'a number from 0 on' })
  return value
}

export function parseHealthcheck(statement: Statement): HealthcheckInstruction {
  const given = statement.arguments
  if (given.kind !== 'typed') {
    throw new Problem('HEALTHCHECK has no arguments', { at: statement.keyword, expected: 'CMD COMMAND or NONE' })
  }
  const type = given.type.toUpperCase()
  const base = { kind: 'healthcheck', ...placeOf(statement) } as const
  if (type === 'NONE') {
    refuseFlags(statement)
    if (given.command.kind !== 'none') throw new Problem('HEALTHCHECK NONE takes no arguments', { at: given.type })
    return { ...base, test: ['NONE'], intervalNs: 0, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 }
  }
  if (type !== 'CMD') {
    throw new Problem(`HEALTHCHECK: unknown type ${given.type}`, { at: given.type, expected: 'CMD or NONE' })
  }
  const flags = parseFlags(statement.flags, FLAGS)
  const command = commandOf(statement, given.command)
  if (command.form === 'exec' && command.args.length === 0) {
    throw new Problem('HEALTHCHECK CMD has no command', { at: given.type, expected: 'a command' })
  }
  return {
    ...base,
    test: command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.line],
    intervalNs: duration('interval', flags.interval),
    timeoutNs: duration('timeout', flags.timeout),
    startPeriodNs: duration('start-period', flags['start-period']),
    startIntervalNs: duration('start-interval', flags['start-interval']),
    retries: parseRetries(flags.retries),
  }
}
