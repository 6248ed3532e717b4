// SPDX-License-Identifier: Apache-2.0
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { suggest } from '../suggest.ts'
import { type Expander, type Placed, placeOf, theText } from './arguments.ts'

/** STOPSIGNAL name or number */
export interface StopsignalInstruction extends Placed {
  readonly kind: 'stopsignal'
  readonly signal: string
}

const NAMES: ReadonlySet<string> = new Set([
  ...(
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP ' +
    'TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
  ).split(' '),
  ...Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `RTMAX-${index + 1}`),
])

export function parseStopsignal(statement: Statement): StopsignalInstruction {
  return { kind: 'stopsignal', ...placeOf(statement), signal: theText(statement) }
}

export function expandStopsignal(instruction: StopsignalInstruction, expander: Expander): StopsignalInstruction {
  const signal = expander.word(instruction.signal)
  const name = signal.toUpperCase().replace(/^SIG/, '')
  const isNumber = /^\d{1,3}$/.test(signal) && Number(signal) > 0
  if (!isNumber && !NAMES.has(name)) {
    const meant = suggest(name, NAMES)
    throw new Problem(`STOPSIGNAL: ${signal} is no signal`, {
      at: instruction.signal,
      meant: meant === undefined ? undefined : `SIG${meant}`,
    })
  }
  return { ...instruction, signal }
}
