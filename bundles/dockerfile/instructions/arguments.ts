// SPDX-License-Identifier: Apache-2.0
// What instructions have in common.

import { parseFlags } from '../flags.ts'
import type { Heredoc } from '../heredoc.ts'
import { Problem } from '../located-error.ts'
import type { Arguments, Statement } from '../statement.ts'

/** Where an instruction stands. */
export interface Placed {
  readonly range: Statement['range']
  /** The instruction in one line, as it is written: for messages and the history of the image. */
  readonly text: string
  /** As it is written: `run` or `RUN`. */
  readonly keyword: string
  readonly comments: readonly string[]
}

export function placeOf({ range, text, keyword, comments }: Statement): Placed {
  return { range, text, keyword, comments }
}

/** Puts the variables of a stage in. Errors: Problem. */
export interface Expander {
  /** One word: quotes and escapes are taken off, white space stays. */
  word(text: string): string
  /** The same, split at white space. */
  words(text: string): readonly string[]
  /** The text of a heredoc: quotes stay. */
  body(text: string): string
}

/** A command of RUN, CMD or ENTRYPOINT. */
export type CommandLine =
  /** A line for the shell of the stage, and the heredocs that it announces. */
  | { readonly form: 'shell'; readonly line: string; readonly heredocs: readonly Heredoc[] }
  | { readonly form: 'exec'; readonly args: readonly string[] }

const nameOf = (statement: Statement): string => statement.keyword.toUpperCase()

export function refuseFlags(statement: Statement): void {
  parseFlags(statement.flags, {})
}

/** The one argument of USER, WORKDIR and the like: all of the line. */
export function theText(statement: Statement): string {
  refuseFlags(statement)
  const given = statement.arguments
  if (given.kind === 'text') return given.text
  throw new Problem(`${nameOf(statement)} has no argument`, { at: statement.keyword, expected: 'exactly one' })
}

/** Words, of a JSON array or not. */
export function wordsOf(given: Arguments): readonly string[] {
  return given.kind === 'words' || given.kind === 'exec' ? given.words : []
}

/** Words of which there is at least one. */
export function someWords(statement: Statement): readonly string[] {
  const words = wordsOf(statement.arguments)
  if (words.length > 0) return words
  throw new Problem(`${nameOf(statement)} has no arguments`, { at: statement.keyword, expected: 'at least one' })
}

/** A command; that of an empty exec form has no arguments. */
export function commandOf(statement: Statement, given: Arguments = statement.arguments): CommandLine {
  if (given.kind === 'exec') return { form: 'exec', args: given.words }
  if (given.kind === 'text') return { form: 'shell', line: given.text, heredocs: statement.heredocs }
  throw new Problem(`${nameOf(statement)} has no command`, { at: statement.keyword, expected: 'a command' })
}
