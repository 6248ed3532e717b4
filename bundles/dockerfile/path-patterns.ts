// SPDX-License-Identifier: Apache-2.0
// Lists of patterns as .dockerignore and COPY --exclude have them: Go's filepath.Match and `**`; `!` takes back; the last
// pattern that matches decides; a pattern that matches a directory matches all below it.

import { cleanPath, parseStep } from './go-path.ts'
import { Problem } from './located-error.ts'
import { codesOf, literal, type Machine, matchesAll, matchesBeginning, optional, type Step } from './pattern-machine.ts'
import { trim } from './space.ts'

export interface PathPattern {
  /** Without `!`, and clean. */
  readonly text: string
  readonly exception: boolean
}

export interface PathPatterns {
  readonly patterns: readonly PathPattern[]
  /** Whether any pattern takes back what others exclude. */
  readonly hasExceptions: boolean
  /** Whether a path is excluded. Paths are relative, with slashes, and clean; the root is `.` or empty. */
  matches(path: string): boolean
  /** Whether something below a directory may be included: a walk need not enter the others. */
  mayContainIncluded(directory: string): boolean
}

interface Compiled extends PathPattern {
  matches(path: string): boolean
  /** Whether it matches some path below a directory. */
  mayMatchBelow(directory: string): boolean
}

const anything = (): boolean => true

/** The end of a run of stars, and of a slash behind it, which is part of it. */
function endOfStars(codes: readonly number[], start: number): number {
  // Pairs, as Go reads them: three stars are `**` and `*`.
  const end = start + 2
  return codes[end] === 0x2f ? end + 1 : end
}

function compileMachine(pattern: string): Machine {
  const codes = codesOf(pattern)
  const steps: Step[] = []
  // `**name` without other wildcards is "ends with name", a special case that Go's matcher has.
  const suffix = /^\*\*[^*?[\]\\/][^*?[\]\\]*$/.test(pattern)
  for (let at = 0; at < codes.length; ) {
    if (codes[at] === 0x2a && codes[at + 1] === 0x2a) {
      at = endOfStars(codes, at)
      if (at >= codes.length || suffix) steps.push({ accepts: anything, loop: true })
      else steps.push(optional(2), { accepts: anything, loop: true }, literal(0x2f))
      continue
    }
    const { step, end } = parseStep(pattern, codes, at)
    steps.push(step)
    at = end
  }
  return steps
}

/** Checks a pattern as Go's filepath.Match does, to which `**` is a star and another one. */
function checkPattern(pattern: string): void {
  const codes = codesOf(pattern)
  for (let at = 0; at < codes.length; ) at = parseStep(pattern, codes, at).end
}

function compilePattern(text: string, exception: boolean): Compiled {
  checkPattern(text)
  if (!/[*?[\]\\]/.test(text)) {
    return {
      text,
      exception,
      matches: (path) => path === text,
      mayMatchBelow: (directory) => text.startsWith(`${directory}/`),
    }
  }
  const machine = compileMachine(text)
  // What stands in front of the first wildcard spares most paths the machine.
  const start = text.slice(0, text.search(/[*?[\]\\]/))
  return {
    text,
    exception,
    matches: (path) => path.startsWith(start) && matchesAll(machine, codesOf(path)),
    mayMatchBelow: (directory) => matchesBeginning(machine, codesOf(`${directory}/`)),
  }
}

/** What is known of a directory: whether each pattern matches it or a directory above. */
interface DirectoryState {
  readonly path: string
  readonly matched: readonly boolean[]
}

class Matcher implements PathPatterns {
  readonly patterns: readonly Compiled[]
  readonly hasExceptions: boolean
  /** The directories of the path that was asked for last: a walk asks for their neighbours next. */
  #known: DirectoryState[] = []

  constructor(patterns: readonly Compiled[]) {
    this.patterns = patterns
    this.hasExceptions = patterns.some(({ exception }) => exception)
  }

  #matchedBy(path: string): readonly boolean[] {
    const slash = path.lastIndexOf('/')
    const above = slash < 0 ? undefined : this.#directory(path.slice(0, slash))
    return this.patterns.map((pattern, index) => above?.matched[index] === true || pattern.matches(path))
  }

  #directory(path: string): DirectoryState {
    const names = path.split('/')
    let depth = 0
    for (let end = 0; depth < names.length; depth++) {
      end += (depth === 0 ? 0 : 1) + (names[depth] ?? '').length
      if (this.#known[depth]?.path !== path.slice(0, end)) break
    }
    this.#known.length = depth
    for (; depth < names.length; depth++) {
      const above = this.#known[depth - 1]
      const own = names.slice(0, depth + 1).join('/')
      const matched = this.patterns.map((pattern, index) => above?.matched[index] === true || pattern.matches(own))
      this.#known.push({ path: own, matched })
    }
    const found = this.#known[names.length - 1]
    return found ?? { path, matched: [] }
  }

  /** The pattern that decides about a path: the last one that matches. -1 if none does. */
  #deciding(path: string): number {
    return this.#matchedBy(path).lastIndexOf(true)
  }

  matches(path: string): boolean {
    if (path === '' || path === '.') return false
    const index = this.#deciding(path)
    return index >= 0 && this.patterns[index]?.exception === false
  }

  mayContainIncluded(directory: string): boolean {
    if (directory === '' || directory === '.') return true
    const index = this.#deciding(directory)
    if (index < 0 || this.patterns[index]?.exception === true) return true
    return this.patterns.slice(index + 1).some((later) => later.exception && later.mayMatchBelow(directory))
  }
}

/** Compiles patterns in their order. Errors: Problem for one that is none. */
export function compilePathPatterns(list: readonly string[]): PathPatterns {
  const compiled: Compiled[] = []
  for (const line of list) {
    const pattern = trim(line)
    if (pattern === '') continue
    const exception = pattern.startsWith('!')
    if (pattern === '!') throw new Problem('the pattern ! takes nothing back', { at: pattern, expected: '!PATTERN' })
    compiled.push(compilePattern(cleanPath(exception ? pattern.slice(1) : pattern), exception))
  }
  return new Matcher(compiled)
}
