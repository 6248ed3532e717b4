// SPDX-License-Identifier: Apache-2.0
import { cleanPath } from '../go-path.ts'
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf, theText } from './arguments.ts'

/** WORKDIR path */
export interface WorkdirInstruction extends Placed {
  readonly kind: 'workdir'
  readonly path: string
}

export function parseWorkdir(statement: Statement): WorkdirInstruction {
  return { kind: 'workdir', ...placeOf(statement), path: theText(statement) }
}

export function expandWorkdir(instruction: WorkdirInstruction, expander: Expander): WorkdirInstruction {
  return { ...instruction, path: expander.word(instruction.path) }
}

/** The working directory after WORKDIR: a relative path goes on from the one before it. */
export function joinWorkdir(current: string, path: string): string {
  return cleanPath(path.startsWith('/') ? path : `/${current}/${path}`)
}
