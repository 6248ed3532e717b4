// SPDX-License-Identifier: Apache-2.0
// Paths and wildcards as Go's filepath has them: no library of JavaScript matches `[^a]`, `\` and slashes as it does.

import { Problem } from './located-error.ts'
import { codesOf, literal, type Machine, matchesAll, matchesBeginning, type Step } from './pattern-machine.ts'

const SLASH = 0x2f

export const notSlash = (code: number): boolean => code !== SLASH

/** The shortest name of the same path, like Go's path.Clean: `a//b/../c/` is `a/c`, and nothing is `.`. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!rooted) parts.push('..')
  }
  const joined = parts.join('/')
  if (rooted) return `/${joined}`
  return joined === '' ? '.' : joined
}

/** The last name of a path, like Go's path.Base. */
export function baseName(path: string): string {
  if (path === '') return '.'
  return cleanPath(path).split('/').at(-1) || '/'
}

interface CharacterClass {
  readonly step: Step
  /** Position behind the closing bracket. */
  readonly end: number
}

function badPattern(pattern: string, why: string): Problem {
  return new Problem(`the pattern ${pattern} ${why}`, { at: pattern })
}

/** `[a-z]` from behind the bracket on; `^` in front turns it around. */
export function parseClass(pattern: string, codes: readonly number[], start: number): CharacterClass {
  const ranges: (readonly [low: number, high: number])[] = []
  let at = start
  const negated = codes[at] === 0x5e
  if (negated) at++
  const character = (): number => {
    if (codes[at] === 0x5c) at++
    const code = codes[at]
    if (code === undefined) throw badPattern(pattern, 'has no closing ]')
    at++
    return code
  }
  for (;;) {
    if (codes[at] === 0x5d && ranges.length > 0) break
    // Like Go: neither a dash nor a bracket begins a range.
    if (codes[at] === 0x2d || codes[at] === 0x5d) throw badPattern(pattern, 'has an empty range in [ ]')
    const low = character()
    let high = low
    if (codes[at] === 0x2d) {
      at++
      if (codes[at] === 0x5d) throw badPattern(pattern, 'has a range without an end in [ ]')
      high = character()
    }
    ranges.push([low, high])
  }
  const accepts = (code: number): boolean => ranges.some(([low, high]) => low <= code && code <= high) !== negated
  return { step: { accepts }, end: at + 1 }
}

/** The step of a pattern at a position, and where the next one is. A star here never passes a slash. */
export function parseStep(pattern: string, codes: readonly number[], at: number): CharacterClass {
  const code = codes[at] ?? 0
  if (code === 0x2a) return { step: { accepts: notSlash, loop: true }, end: at + 1 }
  if (code === 0x3f) return { step: { accepts: notSlash }, end: at + 1 }
  if (code === 0x5b) return parseClass(pattern, codes, at + 1)
  if (code !== 0x5c) return { step: literal(code), end: at + 1 }
  const next = codes[at + 1]
  if (next === undefined) throw badPattern(pattern, 'ends with an escape')
  return { step: literal(next), end: at + 2 }
}

/** Whether a path holds wildcards that are not escaped. */
export function hasWildcards(path: string): boolean {
  for (let at = 0; at < path.length; at++) {
    const char = path.charAt(at)
    if (char === '*' || char === '?' || char === '[') return true
    if (char === '\\') at++
  }
  return false
}

/** A pattern of COPY and ADD: `*`, `?`, `[ ]` and `\` inside of names, and no `**`. */
export interface Glob {
  readonly pattern: string
  /** The directories in front of the first name with wildcards; all of a pattern without any. Empty for the root. */
  readonly base: string
  readonly wild: boolean
  /** Whether a path matches as a whole; paths have no slash in front. */
  matches(path: string): boolean
  /** Whether something below a directory can match: a walk leaves the others out. */
  mayMatchBelow(directory: string): boolean
}

const withoutEscapes = (path: string): string => path.replace(/\\(.)/gsu, '$1')

/** Reads a source of COPY or ADD; it is taken relative to the root of its context. Errors: Problem. */
export function parseGlob(source: string): Glob {
  const pattern = cleanPath(`/${source}`).slice(1)
  const codes = codesOf(pattern)
  const steps: Step[] = []
  for (let at = 0; at < codes.length; ) {
    const { step, end } = parseStep(source, codes, at)
    steps.push(step)
    at = end
  }
  const machine: Machine = steps
  const names = pattern.split('/')
  const firstWild = names.findIndex(hasWildcards)
  const base = firstWild < 0 ? names : names.slice(0, firstWild)
  return {
    pattern,
    base: withoutEscapes(base.join('/')),
    wild: firstWild >= 0,
    matches: (path) => matchesAll(machine, codesOf(path)),
    mayMatchBelow: (directory) => directory === '' || matchesBeginning(machine, codesOf(`${directory}/`)),
  }
}
