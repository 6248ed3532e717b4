// SPDX-License-Identifier: Apache-2.0

/** What escapes a character, and joins a line with the next. */
export type Escape = '\\' | '`'

/** Lines of a file, the first and the last one; counted from 1. */
export interface SourceRange {
  readonly start: number
  readonly end: number
}

/** A text that instructions were read from: enough to show where a mistake is. */
export interface Source {
  /** Its name in messages. */
  readonly file: string
  /** Without line ends. */
  readonly lines: readonly string[]
  readonly escape: Escape
}

/** The text of lines, joined by newlines. */
export function sourceText(source: Source, range: SourceRange): string {
  return source.lines.slice(range.start - 1, range.end).join('\n')
}
