// SPDX-License-Identifier: Apache-2.0
// Go's text/template for `--format`: tokens. npm has no maintained implementation. Pure.

import { DockError } from '../../../bundles/error.ts'

export type Token =
  /** Outside of actions. */
  | { readonly kind: 'text'; readonly text: string }
  /** `.A.B`: names after a dot; none: the dot itself. */
  | { readonly kind: 'field'; readonly names: readonly string[] }
  /** `$x`, `$`, with fields behind it. */
  | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly text: string }
  /** `|`, `(`, `)`, `,`, `:=`, `=` */
  | { readonly kind: 'sign'; readonly text: string }
  /** `{{` and `}}` */
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }

/** A wrong template, in the words of Go's package. */
export function wrong(line: number, message: string): DockError {
  return new DockError(`template parsing error: template: :${line}: ${message}`, { exitCode: 64 })
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

const NUMBER =
  /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)/

/** A character, or a number that Go has none of: told with the line. */
class Malformed extends Error {}

/** What a quoted Go literal stands for. Errors: Malformed. */
function unquote(body: string): string {
  return body.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (_, code: string) => {
    const named = escapes[code]
    if (named !== undefined) return named
    const digits = code.replace(/^[xuU]/, '')
    const value = digits.length < 2 ? Number.NaN : Number.parseInt(digits, /^[xuU]/.test(code) ? 16 : 8)
    if (!(value <= 0x10ffff)) throw new Malformed('invalid syntax')
    return String.fromCodePoint(value)
  })
}

function character(body: string): number {
  const [first, ...more] = unquote(body)
  if (first === undefined || more.length > 0) throw new Malformed(`malformed character constant: '${body}'`)
  return first.codePointAt(0) ?? 0
}

function numberOf(text: string): number {
  const digits = text.replaceAll('_', '')
  if (/^[+-]?\d{19,}$/.test(digits) && BigInt.asIntN(64, BigInt(digits)) !== BigInt(digits)) {
    throw new Malformed(`integer overflow: "${text}"`)
  }
  const [, sign = '', octal] = /^([+-]?)0([0-9]+)$/.exec(digits) ?? []
  const value = octal === undefined ? Number(digits) : /^[0-7]+$/.test(octal) ? Number.parseInt(octal, 8) : Number.NaN
  if (Number.isNaN(value)) {
    if (octal !== undefined) throw new Malformed(`integer overflow: "${text}"`)
    // Number() takes no sign before 0x.
    const unsigned = Number(digits.replace(/^[+-]/, ''))
    if (!Number.isNaN(unsigned)) return digits.startsWith('-') ? -unsigned : unsigned
    throw new Malformed(`bad number syntax: "${text}"`)
  }
  return sign === '-' && octal !== undefined ? -value : value
}

const rules: readonly (readonly [pattern: RegExp, make: (match: RegExpExecArray) => Token | undefined])[] = [
  [/^\s+/, () => undefined],
  [/^"((?:[^"\\\n]|\\.)*)"/, ([, body = '']) => ({ kind: 'string', value: unquote(body) })],
  [/^`([^`]*)`/, ([, body = '']) => ({ kind: 'string', value: body })],
  [/^'((?:[^'\\\n]|\\.)+)'/, ([, body = '']) => ({ kind: 'number', value: character(body) })],
  [NUMBER, ([text]) => ({ kind: 'number', value: numberOf(text) })],
  [
    /^\$([\p{L}\p{N}_]*)((?:\.[\p{L}_][\p{L}\p{N}_]*)*)/u,
    ([, name = '', fields = '']) => ({ kind: 'variable', name, names: fields.split('.').slice(1) }),
  ],
  [/^(?:\.[\p{L}_][\p{L}\p{N}_]*)+/u, ([text]) => ({ kind: 'field', names: text.split('.').slice(1) })],
  [/^\./, () => ({ kind: 'field', names: [] })],
  [/^[\p{L}_][\p{L}\p{N}_]*/u, ([text]) => ({ kind: 'word', text })],
  [/^(?::=|[|(),=])/, ([text]) => ({ kind: 'sign', text })],
]

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length

/** What Go says of what begins no token. */
function unknown(rest: string): string {
  if (rest.startsWith('`')) return 'unterminated raw quoted string'
  if (rest.startsWith('"')) return 'unterminated quoted string'
  if (rest.startsWith("'")) return 'unterminated character constant'
  return `unexpected ${JSON.stringify(rest[0])} in operand`
}

function made(make: (match: RegExpExecArray) => Token | undefined, match: RegExpExecArray, line: number) {
  try {
    return make(match)
  } catch (e: unknown) {
    throw e instanceof Malformed ? wrong(line, e.message) : e
  }
}

/** The tokens of one action's inside. */
function actionTokens(inside: string, line: number): readonly Token[] {
  const tokens: Token[] = []
  let rest = inside
  while (rest !== '') {
    const found = rules
      .map(([pattern, make]) => ({ match: pattern.exec(rest), make }))
      .find(({ match }) => match !== null)
    if (found === undefined || found.match === null) {
      throw wrong(line, unknown(rest))
    }
    const token = made(found.make, found.match, line)
    const after = rest.slice(found.match[0].length)
    if (token?.kind === 'number' && /^[\p{L}\p{N}_]/u.test(after) && !found.match[0].startsWith("'")) {
      throw wrong(line, `bad number syntax: ${JSON.stringify(found.match[0] + [...after][0])}`)
    }
    // Go joins fields by themselves.
    if ((token?.kind === 'field' || token?.kind === 'variable') && after.startsWith('.'))
      throw wrong(line, 'unexpected <.> in operand')
    if (token !== undefined) tokens.push(token)
    rest = after
  }
  return tokens
}

/** Where an action ends: `}}` outside of literals. */
function endOf(text: string, from: number): number {
  const literal = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'|\}\}/g
  literal.lastIndex = from
  for (let match = literal.exec(text); match !== null; match = literal.exec(text)) {
    if (match[0] === '}}') return match.index
  }
  throw wrong(lineOf(text, from), 'unclosed action')
}

/** Tokens with the line that each stands on. Errors: DockError. */
export function tokensOf(text: string): readonly { readonly token: Token; readonly line: number }[] {
  const all: { token: Token; line: number }[] = []
  let at = 0
  let trim = false
  const add = (token: Token, line: number): void => {
    all.push({ token, line })
  }
  while (at < text.length) {
    const open = text.indexOf('{{', at)
    const plain = open < 0 ? text.slice(at) : text.slice(at, open)
    const trimsLeft = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4))
    const left = trim ? plain.trimStart() : plain
    const shown = trimsLeft ? left.trimEnd() : left
    if (shown !== '') add({ kind: 'text', text: shown }, lineOf(text, at))
    if (open < 0) break
    const line = lineOf(text, open)
    const start = open + (trimsLeft ? 3 : 2)
    const comment = (trimsLeft ? /^\s*\/\*/ : /^\/\*/).test(text.slice(start))
    const end = comment ? text.indexOf('}}', text.indexOf('*/', start)) : endOf(text, start)
    if (comment && (text.indexOf('*/', start) < 0 || end < 0)) throw wrong(line, 'unclosed comment')
    if (comment && !/\*\/(\s+-)?$/.test(text.slice(start, end))) {
      throw wrong(line, 'comment ends before closing delimiter')
    }
    trim = /\s-$/.test(text.slice(start, end))
    if (!comment) {
      add({ kind: 'open' }, line)
      for (const token of actionTokens(text.slice(start, trim ? end - 1 : end), line)) add(token, line)
      add({ kind: 'close' }, line)
    }
    at = end + 2
  }
  return all
}
