// SPDX-License-Identifier: Apache-2.0
// `# name=value` in the first lines of a file, before anything else.

import { errorAt } from './located-error.ts'
import type { Escape, Source } from './source.ts'
import { trim, trimStart } from './space.ts'

export interface Directive {
  readonly value: string
  readonly line: number
}

/** `# syntax=docker/dockerfile:1.4-labs`: the features that a file asks for. No frontend is ever fetched or run. */
export interface SyntaxDirective extends Directive {
  /** Numbers of the version; undefined for one that is not given. */
  readonly major: number | undefined
  readonly minor: number | undefined
  /** Whether it asks for features that are not stable. */
  readonly labs: boolean
}

export interface Directives {
  readonly syntax: SyntaxDirective | undefined
  readonly escape: Escape
  /** `skip=...;error=...;experimental=...`, as parseCheckOptions reads it. */
  readonly check: Directive | undefined
  /** How many lines they take, with a `#!` in front of them. */
  readonly lineCount: number
}

const NAMES: ReadonlySet<string> = new Set(['syntax', 'escape', 'check'])

interface NameAndValue {
  readonly name: string
  readonly value: string
}

function readLine(line: string): NameAndValue | undefined {
  const comment = trimStart(line)
  if (!comment.startsWith('#')) return undefined
  const equals = comment.indexOf('=')
  if (equals < 0) return undefined
  const name = trim(comment.slice(1, equals)).toLowerCase()
  const value = trim(comment.slice(equals + 1))
  return NAMES.has(name) && value !== '' ? { name, value } : undefined
}

/** Version and channel of a frontend image. Undefined for an image that is no frontend for Dockerfiles. */
function parseSyntax({ value, line }: Directive): SyntaxDirective | undefined {
  const [image = ''] = value.split(/\s/, 1)
  const [name = ''] = image.split('@', 1)
  const [repository = '', tag = ''] = name.split(/:(?=[^/]*$)/)
  const last = repository.split('/').at(-1)
  if (last !== 'dockerfile' && last !== 'dockerfile-upstream') return undefined
  const version = /^v?(\d{1,9})(?:\.(\d{1,9}))?/.exec(tag)
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
  return { value, line, major: number(version?.[1]), minor: number(version?.[2]), labs: /(^|-)labs$/.test(tag) }
}

function toDirectives(source: Source, found: ReadonlyMap<string, Directive>, lineCount: number): Directives {
  const fail = (directive: Directive, reason: string, expected: string): never => {
    throw errorAt(source, { start: directive.line, end: directive.line }, reason, { at: directive.value, expected })
  }
  const char = found.get('escape')
  if (char !== undefined && char.value !== '\\' && char.value !== '`') {
    fail(char, `escape: ${char.value} cannot be the escape character`, '\\ or `')
  }
  const given = found.get('syntax')
  const syntax = given === undefined ? undefined : parseSyntax(given)
  if (given !== undefined && syntax === undefined) {
    // CVE-2024-23653: frontends from registries are programs, and none is run here.
    fail(
      given,
      `syntax: the frontend ${given.value} is not run: only that of Dockerfiles is built in`,
      'docker/dockerfile:1',
    )
  }
  return { syntax, escape: char?.value === '`' ? '`' : '\\', check: found.get('check'), lineCount }
}

/** Reads the directives of a file. Errors: DockerfileError. */
export function parseDirectives(source: Source): Directives {
  const found = new Map<string, Directive>()
  const shebang = source.lines[0]?.startsWith('#!') === true
  let at = shebang ? 1 : 0
  for (; at < source.lines.length; at++) {
    const directive = readLine(source.lines[at] ?? '')
    if (directive === undefined) break
    const { name, value } = directive
    const line = at + 1
    if (found.has(name)) {
      throw errorAt(source, { start: line, end: line }, `the directive ${name} is given twice`, { at: name })
    }
    // Behind `#!` the escape is not looked for: so has BuildKit it.
    if (name !== 'escape' || !shebang) found.set(name, { value, line })
  }
  return toDirectives(source, found, at)
}
