// SPDX-License-Identifier: Apache-2.0
// Lines of a file -> lines of instructions: continued ones are joined, comments and blank lines are gone.

import { endsHeredoc, type Heredoc, type HeredocMark } from './heredoc.ts'
import type { Escape, SourceRange } from './source.ts'
import { trim, trimStart } from './space.ts'

/** A file as lines. `ends` keeps what splits off, so that the text of heredocs stays as it is. */
export interface FileLines {
  readonly lines: readonly string[]
  readonly ends: readonly string[]
}

/** Splits at newlines. Carriage returns before them belong to the end. */
export function splitLines(text: string): FileLines {
  const lines: string[] = []
  const ends: string[] = []
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const next = newline < 0 ? text.length : newline + 1
    let end = newline < 0 ? text.length : newline
    while (end > at && text.charAt(end - 1) === '\r') end--
    lines.push(text.slice(at, end))
    ends.push(text.slice(end, next))
    at = next
  }
  return { lines, ends }
}

/** One instruction as one line. */
export interface JoinedLine {
  readonly text: string
  readonly range: SourceRange
  /** Comments right above it, without `#`. A comment without text drops those before it. */
  readonly comments: readonly string[]
  /** The last line that continues nothing although the one before it is continued. */
  readonly emptyContinuation: number | undefined
}

const isComment = (line: string): boolean => trimStart(line).startsWith('#')

interface Continued {
  readonly text: string
  readonly continued: boolean
}

/** Takes the escape character off the end of a line that goes on. One that is escaped itself does not count. */
function takeContinuation(line: string, escapeChar: Escape): Continued {
  let end = line.length
  while (end > 0 && (line.charAt(end - 1) === ' ' || line.charAt(end - 1) === '\t')) end--
  const continued = line.charAt(end - 1) === escapeChar && line.charAt(end - 2) !== escapeChar
  return continued ? { text: line.slice(0, end - 1), continued } : { text: line, continued }
}

/** Reads a file from top to bottom. */
export class LineReader {
  readonly #file: FileLines
  readonly #escape: Escape
  #at: number

  constructor(file: FileLines, escapeChar: Escape, start: number) {
    this.#file = file
    this.#escape = escapeChar
    this.#at = start
  }

  #next(): string | undefined {
    const line = this.#file.lines[this.#at]
    if (line !== undefined) this.#at++
    return line
  }

  /** Number of the line that was read last. */
  get line(): number {
    return this.#at
  }

  /** The next instruction; undefined at the end of the file. */
  nextLine(): JoinedLine | undefined {
    let comments: string[] = []
    for (;;) {
      const line = this.#next()
      if (line === undefined) return undefined
      const text = trimStart(line)
      if (text.startsWith('#')) {
        const comment = trim(text.slice(1))
        if (comment === '') comments = []
        else comments.push(comment)
      } else if (text !== '') return this.#join(text, comments)
    }
  }

  #join(first: string, comments: readonly string[]): JoinedLine {
    const start = this.#at
    const head = takeContinuation(first, this.#escape)
    const parts = [head.text]
    let emptyContinuation: number | undefined
    for (let open = head.continued; open; ) {
      const line = this.#next()
      if (line === undefined) break
      if (isComment(line)) continue
      if (trimStart(line) === '') {
        emptyContinuation = this.#at
        continue
      }
      const { text, continued } = takeContinuation(line, this.#escape)
      parts.push(text)
      open = continued
    }
    return { text: parts.join(''), range: { start, end: this.#at }, comments, emptyContinuation }
  }

  /** The text of a heredoc, up to the line that ends it. Undefined if no line does. */
  readHeredoc(mark: HeredocMark): Heredoc | undefined {
    const parts: string[] = []
    for (;;) {
      const line = this.#next()
      if (line === undefined) return undefined
      if (endsHeredoc(line, mark)) return { ...mark, text: parts.join('') }
      parts.push(line, this.#file.ends[this.#at - 1] ?? '')
    }
  }
}
