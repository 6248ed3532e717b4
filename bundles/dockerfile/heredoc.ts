// SPDX-License-Identifier: Apache-2.0
import { isSpaceCode } from './space.ts'
import { expandWords } from './words.ts'

/** `<<EOF` on a line: what comes, and what ends it. */
export interface HeredocMark {
  /** The word that ends the text; for COPY also the name of the file. */
  readonly name: string
  /** Whether variables are put in: not if any part of the word is quoted. */
  readonly expand: boolean
  /** `<<-`: tabs at the beginning of lines are taken off. */
  readonly chomp: boolean
  /** The number in front of `<<`; 0 unless given. */
  readonly fd: number
}

export interface Heredoc extends HeredocMark {
  /** The lines, with their ends; tabs are still there. */
  readonly text: string
}

const nothing = (): undefined => undefined
const quotes = (text: string): number => text.split(/['"]/).length

/** Reads a word as `N<<-NAME`. Undefined for any other word. Errors: Problem for quotes without an end. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const match = /^(\d*)<<(-?)([^<]*)$/.exec(word)
  if (match === null) return undefined
  const [, fd = '', dash = '', blanks = ''] = match
  const rest = blanks.trimStart()
  if (rest === '') return undefined
  // The escape is always the backslash here: it is that of the shell.
  const plain = expandWords(rest, nothing, { escape: '\\', keepUnset: true })
  const [name] = plain.words
  if (name === undefined || plain.words.length !== 1) return undefined
  const raw = expandWords(rest, nothing, { escape: '\\', keepUnset: true, keepQuotes: true })
  const expand = quotes(name) === quotes(raw.words[0] ?? '')
  return { name, expand, chomp: dash === '-', fd: Number(fd) }
}

/** The heredocs that a line announces, in the order of their texts. */
export function heredocMarks(line: string): readonly HeredocMark[] {
  if (!line.includes('<<')) return []
  let words: readonly string[]
  try {
    words = expandWords(line, nothing, { escape: '\\', keepUnset: true, keepQuotes: true, keepEscapes: true }).words
  } catch {
    // A line that is no words for us may still be some for its shell; it has no heredocs then.
    return []
  }
  return words.map(parseHeredocMark).filter((mark) => mark !== undefined)
}

/** Whether a line ends the text of a heredoc. */
export function endsHeredoc(line: string, mark: HeredocMark): boolean {
  return (mark.chomp ? line.replace(/^\t+/, '') : line) === mark.name
}

/** The text of a heredoc as it is meant: without the tabs that `<<-` lets it have. */
export function heredocText(heredoc: Heredoc): string {
  return heredoc.chomp ? heredoc.text.replace(/(^|\n)\t+/g, '$1') : heredoc.text
}

/** The first line of a text, for messages and histories. */
export function summarizeHeredoc(text: string): string {
  let start = 0
  while (start < text.length && isSpaceCode(text.charCodeAt(start))) start++
  const [first = '', ...others] = text.slice(start).trimEnd().split(/\r?\n/)
  return others.length > 0 ? `${first}...` : first
}
