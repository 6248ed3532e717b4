// SPDX-License-Identifier: Apache-2.0
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { type Placed, placeOf, refuseFlags } from './arguments.ts'

/** SHELL ["program", "argument"]: what runs the shell forms after it. */
export interface ShellInstruction extends Placed {
  readonly kind: 'shell'
  readonly shell: readonly string[]
}

/** The shell of an image that names none. */
export const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c']

export function parseShell(statement: Statement): ShellInstruction {
  refuseFlags(statement)
  const given = statement.arguments
  if (given.kind !== 'exec' || given.words.length === 0) {
    const at = given.kind === 'text' ? given.text : statement.keyword
    throw new Problem('SHELL takes a JSON array', { at, expected: '["program", "argument"]' })
  }
  return { kind: 'shell', ...placeOf(statement), shell: given.words }
}
