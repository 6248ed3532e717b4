// SPDX-License-Identifier: Apache-2.0
// The patterns of ${name#pattern}, ${name%pattern} and ${name/pattern/text}: `*`, `?` and `\`, without brackets.

import { Problem } from './located-error.ts'
import { codesOf, literal, type Machine, runMachine, type Step } from './pattern-machine.ts'

/** Longer ones are refused: time is pattern times value. */
const LONGEST_PATTERN = 1024

const NEWLINE = 0x0a
const anyButNewline = (code: number): boolean => code !== NEWLINE

function compile(pattern: string): Machine {
  const codes = codesOf(pattern)
  if (codes.length > LONGEST_PATTERN) {
    throw new Problem(`the pattern of a substitution has ${codes.length} characters`, {
      expected: `at most ${LONGEST_PATTERN}`,
    })
  }
  const steps: Step[] = []
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    const char = String.fromCodePoint(code)
    if (char === '*') steps.push({ accepts: anyButNewline, loop: true })
    else if (char === '?') steps.push({ accepts: anyButNewline })
    else if (char !== '\\') steps.push(literal(code))
    else {
      at++
      const next = codes[at]
      // `\}` and `\/` end neither the braces nor the pattern, and mean the character itself.
      if (next === undefined || !'*?\\}/'.includes(String.fromCodePoint(next))) {
        const escaped = next === undefined ? '\\' : `\\${String.fromCodePoint(next)}`
        throw new Problem(`the pattern ${pattern} has the escape ${escaped}`, {
          at: escaped,
          expected: '\\*, \\? or \\\\',
        })
      }
      steps.push(literal(next))
    }
  }
  return steps
}

/** Where the match that begins at a position ends: the nearest or the farthest end. Undefined without a match. */
function endOf(machine: Machine, codes: readonly number[], from: number, longest: boolean): number | undefined {
  let end: number | undefined
  runMachine(machine, codes, from, (at) => {
    end = at
    return !longest
  })
  return end
}

const text = (codes: readonly number[]): string => {
  let result = ''
  for (const code of codes) result += String.fromCodePoint(code)
  return result
}

/** ${name#pattern}, and ## for the longest match. */
export function removePrefix(value: string, pattern: string, longest: boolean): string {
  const codes = codesOf(value)
  const end = endOf(compile(pattern), codes, 0, longest)
  return end === undefined ? value : text(codes.slice(end))
}

/** ${name%pattern}, and %% for the longest match. */
export function removeSuffix(value: string, pattern: string, longest: boolean): string {
  const codes = codesOf(value)
  // Backwards, so that the nearest end is the shortest suffix.
  const end = endOf(compile(pattern).toReversed(), codes.toReversed(), 0, longest)
  return end === undefined ? value : text(codes.slice(0, codes.length - end))
}

/** For each position whether a match begins there: one run backwards, so that no position is tried twice. */
function beginnings(machine: Machine, codes: readonly number[]): Uint8Array {
  const marks = new Uint8Array(codes.length + 1)
  // Any text may follow a match.
  const backwards: Machine = [{ accepts: () => true, loop: true }, ...machine.toReversed()]
  runMachine(backwards, codes.toReversed(), 0, (end) => {
    marks[codes.length - end] = 1
    return false
  })
  return marks
}

/** ${name/pattern/text} for the first match, and // for all. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const machine = compile(pattern)
  const codes = codesOf(value)
  const marks = beginnings(machine, codes)
  const parts: string[] = []
  let copied = 0
  for (let at = 0; at <= codes.length; ) {
    if (marks[at] !== 1) {
      at++
      continue
    }
    const end = endOf(machine, codes, at, true) ?? at
    // An empty match right behind another one counts as part of it.
    if (end === at && parts.length > 0 && copied === at) {
      at++
      continue
    }
    parts.push(text(codes.slice(copied, at)), replacement)
    copied = end
    if (!all) break
    at = end === at ? at + 1 : end
  }
  parts.push(text(codes.slice(copied)))
  return parts.join('')
}
