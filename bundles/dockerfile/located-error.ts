// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { Source, SourceRange } from './source.ts'

export interface ProblemDetails {
  /** The text that is wrong, as it stands in the file: a caret is put under it. */
  readonly at?: string | undefined
  /** What should stand there. */
  readonly expected?: string | undefined
  /** What was probably meant. */
  readonly meant?: string | undefined
}

/** A mistake that does not know where it is. It never leaves this folder: `located` makes a DockerfileError of it. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly hints: ProblemDetails

  constructor(message: string, details: ProblemDetails = {}) {
    super(message)
    this.hints = details
  }
}

export interface DockerfileErrorPlace {
  readonly file: string
  readonly range: SourceRange
  /** The line that is shown, and where in it the mistake is: from 0, in UTF-16 units. */
  readonly line: number
  readonly lineText: string
  readonly column?: number | undefined
  readonly length?: number | undefined
}

/** Words of a file stand in messages, and a word may be a megabyte long. */
function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 200)} ... ${text.slice(-50)}`
}

/** A Dockerfile that cannot be built. `message` is one line; `formatDockerfileError` shows the line as well. */
export class DockerfileError extends TsrunError {
  /** Not `line` and `column` of the error itself: in Bun those say where in our code it was made. */
  readonly place: DockerfileErrorPlace
  /** The message without its place and without hints. */
  readonly reason: string
  readonly expected: string | undefined
  readonly meant: string | undefined

  constructor(reason: string, place: DockerfileErrorPlace, details: ProblemDetails = {}) {
    const expected = details.expected === undefined ? '' : `: expected ${details.expected}`
    const meant = details.meant === undefined ? '' : ` (did you mean ${details.meant}?)`
    super('usage', `${place.file}:${place.line}: ${shorten(reason)}${expected}${meant}`)
    this.place = place
    this.reason = shorten(reason)
    this.expected = details.expected
    this.meant = details.meant
  }
}

function findPlace(source: Source, range: SourceRange, at: string | undefined): DockerfileErrorPlace {
  const place = { file: source.file, range }
  if (at !== undefined && at !== '') {
    for (let line = range.start; line <= range.end; line++) {
      const lineText = source.lines[line - 1] ?? ''
      const column = lineText.indexOf(at)
      if (column >= 0) return { ...place, line, lineText, column, length: at.length }
    }
  }
  return { ...place, line: range.start, lineText: source.lines[range.start - 1] ?? '' }
}

/** The error for a mistake in some lines. */
export function errorAt(
  source: Source,
  range: SourceRange,
  reason: string,
  details: ProblemDetails = {},
): DockerfileError {
  return new DockerfileError(reason, findPlace(source, range, details.at), details)
}

/** Runs what may find a Problem, and says where it is. Errors: DockerfileError. */
export function located<T>(source: Source, range: SourceRange, run: () => T): T {
  try {
    return run()
  } catch (e: unknown) {
    if (e instanceof Problem) throw errorAt(source, range, e.message, e.hints)
    throw e
  }
}

const SHOWN = 160

/** The message, the line and a caret under what is wrong, as lines without a newline at the end. */
export function formatDockerfileError(error: DockerfileError): string {
  const { line, lineText, column, length } = error.place
  const number = String(line).padStart(4)
  const first = column === undefined || column + (length ?? 1) <= SHOWN ? 0 : Math.max(0, column - 40)
  const part = lineText.slice(first, first + SHOWN)
  const shown = [error.message, `${number} | ${part}`]
  if (column !== undefined) {
    // Tabs stay tabs, so that the caret stands where the terminal puts the text.
    const before = part.slice(0, column - first).replace(/[^\t]/g, ' ')
    const carets = '^'.repeat(Math.max(1, Math.min(length ?? 1, part.length - (column - first))))
    shown.push(`${' '.repeat(number.length)} | ${before}${carets}`)
  }
  return shown.join('\n')
}
