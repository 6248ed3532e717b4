// SPDX-License-Identifier: Apache-2.0
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf, theText } from './arguments.ts'

/** USER name[:group], or numbers. */
export interface UserInstruction extends Placed {
  readonly kind: 'user'
  readonly user: string
}

export function parseUser(statement: Statement): UserInstruction {
  return { kind: 'user', ...placeOf(statement), user: theText(statement) }
}

export function expandUser(instruction: UserInstruction, expander: Expander): UserInstruction {
  return { ...instruction, user: expander.word(instruction.user) }
}
