// SPDX-License-Identifier: Apache-2.0
// The syntax alone: keyword, flags and arguments, without what they mean.

import type { Directives } from './directives.ts'
import { parseDirectives } from './directives.ts'
import { splitFlags } from './flags.ts'
import { type Heredoc, heredocMarks } from './heredoc.ts'
import { parseJsonForm } from './json-form.ts'
import { type KeyValue, parseKeyValues, splitQuotedWords } from './key-values.ts'
import { LineReader, splitLines } from './lines.ts'
import { errorAt, located } from './located-error.ts'
import type { Escape, Source, SourceRange } from './source.ts'
import { isSpaceAt, splitBlanks, cutBlank, trim } from './space.ts'

export type Arguments =
  | { readonly kind: 'none' }
  /** All of the line. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** A JSON array. */
  | { readonly kind: 'exec'; readonly words: readonly string[] }
  | { readonly kind: 'pairs'; readonly pairs: readonly KeyValue[] }
  /** HEALTHCHECK: a word, and a command. */
  | { readonly kind: 'typed'; readonly type: string; readonly command: Arguments }
  /** ONBUILD. */
  | { readonly kind: 'statement'; readonly statement: Statement }

export interface Statement {
  /** As it is written. */
  readonly keyword: string
  readonly flags: readonly string[]
  readonly arguments: Arguments
  readonly heredocs: readonly Heredoc[]
  /** Keyword to arguments in one line, without the texts of heredocs. */
  readonly text: string
  readonly range: SourceRange
  readonly comments: readonly string[]
}

export interface Statements {
  readonly source: Source
  readonly directives: Directives
  readonly statements: readonly Statement[]
  /** Lines that are empty although the one before them is continued. */
  readonly emptyContinuations: readonly number[]
}

type ArgumentsParser = (text: string, escapeChar: Escape, keyword: string) => Arguments

const none: Arguments = { kind: 'none' }
const textArguments: ArgumentsParser = (text) => (text === '' ? none : { kind: 'text', text })

function wordArguments(text: string): Arguments {
  const words = splitBlanks(text)
  return words.length === 0 ? none : { kind: 'words', words }
}

function execOrText(text: string): Arguments {
  if (text === '') return none
  const words = parseJsonForm(text)
  return words === undefined ? { kind: 'text', text } : { kind: 'exec', words }
}

function execOrWords(text: string): Arguments {
  const words = parseJsonForm(text)
  return words === undefined ? wordArguments(text) : { kind: 'exec', words }
}

function healthcheck(text: string): Arguments {
  let end = 0
  while (end < text.length && !isSpaceAt(text, end)) end++
  return end === 0 ? none : { kind: 'typed', type: text.slice(0, end), command: execOrText(trim(text.slice(end))) }
}

const pairArguments: ArgumentsParser = (text, escapeChar, keyword) => {
  const pairs = parseKeyValues(text, keyword, escapeChar)
  return pairs.length === 0 ? none : { kind: 'pairs', pairs }
}

const PARSERS: Readonly<Record<string, ArgumentsParser>> = {
  ADD: execOrWords,
  ARG: (text, escapeChar) => {
    const words = splitQuotedWords(text, escapeChar)
    return words.length === 0 ? none : { kind: 'words', words }
  },
  CMD: execOrText,
  COPY: execOrWords,
  ENTRYPOINT: execOrText,
  ENV: pairArguments,
  EXPOSE: wordArguments,
  FROM: wordArguments,
  HEALTHCHECK: healthcheck,
  LABEL: pairArguments,
  MAINTAINER: textArguments,
  RUN: execOrText,
  SHELL: execOrText,
  STOPSIGNAL: textArguments,
  USER: textArguments,
  VOLUME: execOrWords,
  WORKDIR: textArguments,
}

/** All keywords, ONBUILD as well. */
export const KEYWORDS: readonly string[] = [...Object.keys(PARSERS), 'ONBUILD'].sort()

const WITH_HEREDOCS: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN'])
/** ONBUILD ONBUILD is refused later, but must not be a way to overflow the stack. */
const DEEPEST = 8

type Head = Pick<Statement, 'keyword' | 'flags' | 'arguments'>

function parseHead(line: string, escapeChar: Escape, outer: Omit<Statement, keyof Head>, depth = 0): Head {
  const [keyword, rest = ''] = cutBlank(trim(line))
  const { flags, rest: after } = splitFlags(rest, escapeChar)
  const text = trim(after)
  const name = keyword.toUpperCase()
  if (name === 'ONBUILD') {
    if (text === '' || depth >= DEEPEST) return { keyword, flags, arguments: none }
    const inner = parseHead(text, escapeChar, outer, depth + 1)
    return { keyword, flags, arguments: { kind: 'statement', statement: { ...outer, text, ...inner } } }
  }
  const parse = Object.hasOwn(PARSERS, name) ? PARSERS[name] : undefined
  return { keyword, flags, arguments: parse?.(text, escapeChar, name) ?? none }
}

function mayHaveHeredocs(head: Head): boolean {
  const inner = head.arguments.kind === 'statement' ? head.arguments.statement : head
  return WITH_HEREDOCS.has(inner.keyword.toUpperCase()) && inner.arguments.kind !== 'exec'
}

/** An ONBUILD holds the heredocs of its trigger, and so does the trigger. */
function withHeredocs(statement: Statement, heredocs: readonly Heredoc[]): Statement {
  const inner = statement.arguments
  if (inner.kind !== 'statement') return { ...statement, heredocs }
  const trigger = { ...inner.statement, heredocs, range: statement.range }
  return { ...statement, heredocs, arguments: { kind: 'statement', statement: trigger } }
}

/** Reads the syntax of a file. Errors: DockerfileError. */
export function parseStatements(text: string, file: string): Statements {
  const fileLines = splitLines(text)
  const directives = parseDirectives({ file, lines: fileLines.lines, escape: '\\' })
  const source: Source = { file, lines: fileLines.lines, escape: directives.escape }
  const reader = new LineReader(fileLines, directives.escape, directives.lineCount)
  const statements: Statement[] = []
  const emptyContinuations: number[] = []
  for (let line = reader.nextLine(); line !== undefined; line = reader.nextLine()) {
    const { range, comments, text: joined } = line
    if (line.emptyContinuation !== undefined) emptyContinuations.push(line.emptyContinuation)
    const outer = { heredocs: [], text: trim(joined), range, comments }
    const head = located(source, range, () => parseHead(joined, source.escape, outer))
    const statement = { ...outer, ...head }
    const marks = mayHaveHeredocs(head) ? located(source, range, () => heredocMarks(joined)) : []
    const heredocs = marks.map((mark) => {
      const heredoc = reader.readHeredoc(mark)
      if (heredoc !== undefined) return heredoc
      throw errorAt(source, range, `no line ends the heredoc ${mark.name}`, {
        at: '<<',
        expected: `a line "${mark.name}"`,
      })
    })
    const whole = { ...statement, range: { start: range.start, end: reader.line } }
    statements.push(heredocs.length === 0 ? whole : withHeredocs(whole, heredocs))
  }
  if (statements.length === 0) {
    throw errorAt(source, { start: 1, end: 1 }, 'the file has no instructions', { expected: 'FROM' })
  }
  return { source, directives, statements, emptyContinuations }
}
