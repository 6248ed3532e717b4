// SPDX-License-Identifier: Apache-2.0
// --chmod of COPY and ADD: octal, or the words of chmod(1).

import { Problem } from './located-error.ts'

interface ModeClause {
  /** The bits of those that it is about. */
  readonly who: number
  readonly operator: '+' | '-' | '='
  /** `rwxst`, as bits for all; X only where somebody may execute, and for directories. */
  readonly bits: number
  readonly conditionalExecute: boolean
  /** The bits of somebody else: `g=u`. */
  readonly from: 'u' | 'g' | 'o' | undefined
}

export type ModeChange =
  | { readonly kind: 'octal'; readonly mode: number }
  | { readonly kind: 'symbolic'; readonly text: string; readonly clauses: readonly ModeClause[] }

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 }
const BITS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 }
const SHIFT: Readonly<Record<'u' | 'g' | 'o', number>> = { u: 6, g: 3, o: 0 }

function parseClause(text: string): readonly ModeClause[] | undefined {
  const match = /^([ugoa]*)((?:[+=-](?:[ugo]|[rwxXst]*))+)$/.exec(text)
  if (match === null) return undefined
  const [, names = '', actions = ''] = match
  // The sticky bit is nobody's, so `o+t` sets it and `u+t` does as well.
  const who = names === '' ? 0o7777 : [...names].reduce((bits, name) => bits | (WHO[name] ?? 0), 0o1000)
  return [...actions.matchAll(/([+=-])([ugorwxXst]*)/g)].map(([, operator = '', what = '']): ModeClause => {
    const from = what === 'u' || what === 'g' || what === 'o' ? what : undefined
    const bits = [...what].reduce((all, letter) => all | (BITS[letter] ?? 0), 0)
    return { who, operator: operator as '+', bits, conditionalExecute: what.includes('X'), from }
  })
}

/** Reads `0755`, `u+x` or `go=u-w,+X`. Errors: Problem. */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-9]/.test(text)) {
    const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
    if (!(mode <= 0o7777)) throw new Problem(`--chmod: ${text} is no mode`, { at: text, expected: '0 to 07777, octal' })
    return { kind: 'octal', mode }
  }
  const clauses: ModeClause[] = []
  for (const part of text.split(',')) {
    const found = parseClause(part)
    if (found === undefined) {
      throw new Problem(`--chmod: ${text} is no mode`, {
        at: text,
        expected: 'octal digits, or words such as u+x,go-w',
      })
    }
    clauses.push(...found)
  }
  return { kind: 'symbolic', text, clauses }
}

function applyClause(mode: number, original: number, clause: ModeClause, isDirectory: boolean): number {
  let bits = clause.bits
  if (clause.conditionalExecute && (isDirectory || (original & 0o111) !== 0)) bits |= 0o111
  if (clause.from !== undefined) bits = ((mode >> SHIFT[clause.from]) & 7) * 0o111
  const change = bits & clause.who
  if (clause.operator === '-') return mode & ~change
  if (clause.operator === '+') return mode | change
  // `=` clears the sticky bit only for all, and where it is named.
  const cleared = clause.who === 0o7777 ? 0o7777 : clause.who & ~0o1000
  return (mode & ~cleared) | change
}

/** The mode of a file after a change. */
export function applyModeChange(change: ModeChange, mode: number, isDirectory: boolean): number {
  if (change.kind === 'octal') return change.mode
  return change.clauses.reduce((bits, clause) => applyClause(bits, mode, clause, isDirectory), mode & 0o7777)
}
