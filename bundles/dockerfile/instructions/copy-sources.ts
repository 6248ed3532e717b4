// SPDX-License-Identifier: Apache-2.0
// What COPY and ADD have in common: SOURCE ... DESTINATION, with heredocs among the sources.

import { baseName, parseGlob } from '../go-path.ts'
import { type Heredoc, heredocText, parseHeredocMark } from '../heredoc.ts'
import { Problem } from '../located-error.ts'
import { compilePathPatterns } from '../path-patterns.ts'
import type { Statement } from '../statement.ts'
import { type Expander, wordsOf } from './arguments.ts'

export interface PathSource {
  readonly kind: 'path'
  /** With wildcards: `parseGlob` reads them. */
  readonly path: string
}

/** A file whose text stands in the Dockerfile. */
export interface InlineSource {
  readonly kind: 'inline'
  /** Name of the file, without directories. */
  readonly name: string
  readonly text: string
  /** Whether variables are put into the text. */
  readonly expand: boolean
}

export interface SourcesAndDestination {
  readonly sources: readonly (PathSource | InlineSource)[]
  readonly destination: string
}

function inlineSource(heredoc: Heredoc): InlineSource {
  const name = baseName(heredoc.name)
  if (name === '.' || name === '..' || name === '/' || name.includes('\0')) {
    throw new Problem(`the heredoc ${heredoc.name} cannot be the name of a file`, { at: heredoc.name })
  }
  return { kind: 'inline', name, text: heredocText(heredoc), expand: heredoc.expand }
}

/** The sources and the destination of a statement. */
export function parseSources(statement: Statement): SourcesAndDestination {
  const keyword = statement.keyword.toUpperCase()
  const words = wordsOf(statement.arguments)
  const destination = words.at(-1)
  if (destination === undefined || words.length < 2) {
    throw new Problem(`${keyword}: ${words.length === 0 ? 'no arguments' : 'no destination'}`, {
      at: words[0] ?? statement.keyword,
      expected: `${keyword} SOURCE... DESTINATION`,
    })
  }
  // The words of an exec form are paths, whatever they look like.
  const mayBeHeredoc = statement.arguments.kind === 'words'
  if (mayBeHeredoc && parseHeredocMark(destination) !== undefined) {
    throw new Problem(`${keyword}: a heredoc cannot be the destination`, { at: destination })
  }
  const rest = [...statement.heredocs]
  const sources = words.slice(0, -1).map((word): PathSource | InlineSource => {
    const heredoc = mayBeHeredoc && parseHeredocMark(word) !== undefined ? rest.shift() : undefined
    return heredoc === undefined ? { kind: 'path', path: word } : inlineSource(heredoc)
  })
  const [unused] = rest
  if (unused !== undefined) {
    throw new Problem(`${keyword}: the heredoc ${unused.name} is no source`, { at: '<<', expected: `<<${unused.name}` })
  }
  return { sources, destination }
}

export function expandSources(given: SourcesAndDestination, expander: Expander): SourcesAndDestination {
  const sources = given.sources.map((source): PathSource | InlineSource => {
    if (source.kind === 'path') return { kind: 'path', path: expander.word(source.path) }
    return source.expand ? { ...source, text: expander.body(source.text) } : source
  })
  return { sources, destination: expander.word(given.destination) }
}

/** Checks the wildcards of sources. */
export function checkGlobs(sources: readonly { readonly kind: string; readonly path?: string }[]): void {
  for (const source of sources) if (source.path !== undefined) parseGlob(source.path)
}

/** The patterns of --exclude, checked. No variables are put in. */
export function checkExcludes(patterns: readonly string[]): readonly string[] {
  compilePathPatterns(patterns)
  return patterns
}

export interface ParentsSource {
  /** What is left out of the names at the destination: all in front of `/./`. Empty for the root. */
  readonly base: string
  /** A pattern below the base, which may hold `**`, as compilePathPatterns reads it. */
  readonly pattern: string
}

/** Splits a source of COPY --parents at its pivot, `/./`. */
export function splitPivot(path: string): ParentsSource {
  const pivot = path.indexOf('/./')
  const strip = (text: string): string => text.replace(/^\/+/, '')
  if (pivot < 0) return { base: '', pattern: strip(path) }
  return { base: strip(path.slice(0, pivot)), pattern: strip(path.slice(pivot + 3)) }
}
