// SPDX-License-Identifier: Apache-2.0
import type { KeyValue } from '../key-values.ts'
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf } from './arguments.ts'
import { expandPairs, pairsOf } from './env.ts'

/** LABEL key=value ... */
export interface LabelInstruction extends Placed {
  readonly kind: 'label'
  readonly pairs: readonly KeyValue[]
}

export function parseLabel(statement: Statement): LabelInstruction {
  return { kind: 'label', ...placeOf(statement), pairs: pairsOf(statement) }
}

export function expandLabel(instruction: LabelInstruction, expander: Expander): LabelInstruction {
  return { ...instruction, pairs: expandPairs(instruction.pairs, expander) }
}
