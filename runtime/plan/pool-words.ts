// SPDX-License-Identifier: Apache-2.0
import { OPS, type OpKind, SECTIONS } from './ops.ts'
import { FIELDS_AT, HEADER_WORDS, SECTIONS_AT, SPAWN_AT } from './wire.ts'

const FIELD_COUNT = SPAWN_AT - FIELDS_AT
const WARNINGS_AT = 6
const TIME_OFFSETS_AT = SPAWN_AT + 4

const signatures: ReadonlyMap<number, string> = new Map(
  (Object.keys(OPS) as OpKind[]).map((kind) => [OPS[kind].code, OPS[kind].signature]),
)

/**
 * Calls `visit` for every word of an encoded plan that is an offset into its pool; `length` is the index of the word that
 * tells how many bytes, for the arguments that have one. Spec: csrc/README.md, "Plan".
 */
export function visitPoolWords(words: Uint32Array, visit: (word: number, length?: number) => void): void {
  const word = (index: number): number => words[index] ?? 0
  const visitList = (at: number): void => {
    for (let item = 0; item < word(at + 1); item++) visit(word(at) / 4 + item)
  }
  visitList(WARNINGS_AT)
  for (let field = 0; field < FIELD_COUNT; field++) visit(FIELDS_AT + field)
  visit(TIME_OFFSETS_AT)
  SECTIONS.forEach((_, section) => {
    let at = word(SECTIONS_AT + 2 * section) / 4
    for (let op = 0; op < word(SECTIONS_AT + 2 * section + 1); op++) {
      const code = word(at) & 0xffff
      visit(at + 1)
      at += 3
      for (const letter of signatures.get(code) ?? '') {
        if (letter === 's' || letter === 'r') visit(at)
        else if (letter === 'b') visit(at, at + 1)
        else if (letter === 'v') visitList(at)
        at += letter === 'q' || letter === 'b' || letter === 'v' ? 2 : 1
      }
    }
  })
}

/** A plan's words; HEADER_WORDS at least. */
export function planWords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, Math.max(bytes.byteLength >> 2, HEADER_WORDS))
}
