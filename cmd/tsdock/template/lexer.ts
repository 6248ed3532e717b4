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

/** What a quoted Go literal stands for. */
function unquote(body: string): string {
  return body.replace(
    /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs,
    (_, code: string) =>
      escapes[code] ??
      (/^[xuU]/.test(code)
        ? String.fromCodePoint(Number.parseInt(code.slice(1), 16))
        : /^[0-7]{3}$/.test(code)
          ? String.fromCodePoint(Number.parseInt(code, 8))
          : code),
  )
}

const NUMBER =
  /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)/
const rules: readonly (readonly [pattern: RegExp, make: (match: RegExpExecArray) => Token | undefined])[] = [
  [/^\s+/, () => undefined],
  [/^"((?:[^"\\\n]|\\.)*)"/, ([, body = '']) => ({ kind: 'string', value: unquote(body) })],
  [/^`([^`]*)`/, ([, body = '']) => ({ kind: 'string', value: body })],
  [/^'((?:[^'\\\n]|\\.)+)'/, ([, body = '']) => ({ kind: 'number', value: unquote(body).codePointAt(0) ?? 0 })],
  [NUMBER, ([text]) => ({ kind: 'number', value: Number(text.replaceAll('_', '')) })],
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

/** The tokens of one action's inside. */
function actionTokens(inside: string, line: number): readonly Token[] {
  const tokens: Token[] = []
  let rest = inside
  while (rest !== '') {
    const found = rules
      .map(([pattern, make]) => ({ match: pattern.exec(rest), make }))
      .find(({ match }) => match !== null)
    if (found === undefined || found.match === null) {
      if (/^["`']/.test(rest)) throw wrong(line, 'unterminated quoted string')
      throw wrong(line, `unexpected ${JSON.stringify(rest[0])} in operand`)
    }
    const token = found.make(found.match)
    if (token !== undefined) tokens.push(token)
    rest = rest.slice(found.match[0].length)
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
    const comment = /^\s*\/\*/.test(text.slice(start))
    const end = comment ? text.indexOf('}}', text.indexOf('*/', start)) : endOf(text, start)
    if (comment && (text.indexOf('*/', start) < 0 || end < 0)) throw wrong(line, 'unclosed comment')
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
