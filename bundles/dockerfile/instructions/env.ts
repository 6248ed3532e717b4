// SPDX-License-Identifier: Apache-2.0
import type { KeyValue } from '../key-values.ts'
import { Problem } from '../located-error.ts'
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf, refuseFlags } from './arguments.ts'

/** ENV key=value ... */
export interface EnvInstruction extends Placed {
  readonly kind: 'env'
  readonly pairs: readonly KeyValue[]
}

/** The pairs of ENV and LABEL. */
export function pairsOf(statement: Statement): readonly KeyValue[] {
  refuseFlags(statement)
  if (statement.arguments.kind === 'pairs') return statement.arguments.pairs
  throw new Problem(`${statement.keyword.toUpperCase()} has no arguments`, {
    at: statement.keyword,
    expected: 'KEY=VALUE',
  })
}

/** Names may hold variables as well. All see what was before the instruction: `ENV a=1 b=$a` is no way to set b. */
export function expandPairs(pairs: readonly KeyValue[], expander: Expander): readonly KeyValue[] {
  return pairs.map((pair) => {
    const key = expander.word(pair.key)
    if (key === '') throw new Problem(`the name ${pair.key} is empty`, { at: pair.key })
    return { ...pair, key, value: expander.word(pair.value) }
  })
}

export function parseEnv(statement: Statement): EnvInstruction {
  return { kind: 'env', ...placeOf(statement), pairs: pairsOf(statement) }
}

export function expandEnv(instruction: EnvInstruction, expander: Expander): EnvInstruction {
  return { ...instruction, pairs: expandPairs(instruction.pairs, expander) }
}
