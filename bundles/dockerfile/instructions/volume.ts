// SPDX-License-Identifier: Apache-2.0
import { Problem } from '../located-error.ts'
import { trim } from '../space.ts'
import type { Statement } from '../statement.ts'
import { type Expander, type Placed, placeOf, refuseFlags, someWords } from './arguments.ts'

/** VOLUME path ..., or VOLUME ["path"] */
export interface VolumeInstruction extends Placed {
  readonly kind: 'volume'
  readonly paths: readonly string[]
}

function checkPath(path: string, written: string): string {
  if (path === '') throw new Problem('VOLUME: a path is empty', { at: written })
  return path
}

export function parseVolume(statement: Statement): VolumeInstruction {
  refuseFlags(statement)
  const paths = someWords(statement).map((word) => checkPath(trim(word), word))
  return { kind: 'volume', ...placeOf(statement), paths }
}

export function expandVolume(instruction: VolumeInstruction, expander: Expander): VolumeInstruction {
  return { ...instruction, paths: instruction.paths.map((path) => checkPath(expander.word(path), path)) }
}
