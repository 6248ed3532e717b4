// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../spec/error.ts'
import { noteExactInteger } from '../spec/exact-integer.ts'

/** Far more than any document of the specification has. */
const MAX_DEPTH = 512

/** Text -> value; see exactInteger() for its large numbers. Errors: invalid-json, with the line and column where it goes wrong. */
export function parseJson(text: string, name: string): unknown {
  if (text.trim() === '') throw invalidJson(name, 'it is empty')
  if (isTooDeep(text)) throw invalidJson(name, `it is nested more than ${MAX_DEPTH} levels deep`)
  try {
    return /\d{16}/.test(text) ? parseExactly(text) : JSON.parse(text)
  } catch {
    const at = findFault(text)
    const before = text.slice(0, at).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
    const found =
      at < text.length
        ? `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`
        : 'unexpected end'
    throw invalidJson(name, `${found} at ${place}`)
  }
}

/**
 * Numbers beyond 2^53 lose their last digits in a double, and engines tell the text of a number only in newer versions. So
 * such numbers become marked strings first, and are put back with their digits noted beside them.
 */
function parseExactly(text: string): unknown {
  for (let attempt = 0; ; attempt++) {
    const mark = `integer ${attempt}: `
    let marked = 0
    const replaced = text.replace(/"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
      if (!/^-?\d{16,}$/.test(token) || Number.isSafeInteger(Number(token))) return token
      marked++
      return JSON.stringify(mark + token)
    })
    if (marked === 0) return JSON.parse(text)
    let found = 0
    const value: unknown = JSON.parse(replaced, function (this: object, key: string, inner: unknown) {
      if (typeof inner !== 'string' || !inner.startsWith(mark)) return inner
      found++
      const digits = inner.slice(mark.length)
      if (/^-?\d+$/.test(digits)) noteExactInteger(this, key, BigInt(digits))
      return Number(digits)
    })
    // Else a string of the document looks like a mark.
    if (found === marked) return value
  }
}

/**
 * The same for what users and engines write: a field that is null is one that is not given. Programs in Go write what is
 * unset so, and read it so. Errors: invalid-json
 */
export function parseDocument(text: string, name: string): unknown {
  const value = parseJson(text, name)
  if (text.includes('null')) dropNulls(value)
  return value
}

/** In place: what is noted beside an object stays its own. */
function dropNulls(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, field] of Object.entries(value)) {
    if (field !== null) dropNulls(field)
    else if (!Array.isArray(value)) delete (value as Record<string, unknown>)[key]
  }
}

function invalidJson(name: string, what: string): TsrunError {
  return new TsrunError('invalid-json', `${name}: not valid JSON: ${what}`)
}

/** A few brackets cannot nest deeply, and counting them is native: hardly any text is read with care. */
function isTooDeep(text: string): boolean {
  if (text.split('{', MAX_DEPTH).length + text.split('[', MAX_DEPTH).length < MAX_DEPTH) return false
  let depth = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gs)) {
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth--
    if (depth > MAX_DEPTH) return true
  }
  return false
}

/** Reads JSON for nothing but the place where it stops being JSON: engines do not agree on telling it. */
function findFault(text: string): number {
  const space = /[ \t\n\r]*/y
  const scalar =
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none in its strings
    /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
  let at = 0
  let depth = 0
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }
  const leave = (): boolean => {
    at++
    depth--
    return true
  }
  const value = (): boolean => {
    skip(space)
    const open = text[at]
    if (open !== '{' && open !== '[') return skip(scalar) !== ''
    const close = open === '{' ? '}' : ']'
    if (++depth > MAX_DEPTH) return false
    at++
    skip(space)
    if (text[at] === close) return leave()
    for (;;) {
      skip(space)
      if (open === '{') {
        if (text[at] !== '"' || skip(scalar) === '') return false
        skip(space)
        if (text[at] !== ':') return false
        at++
      }
      if (!value()) return false
      skip(space)
      if (text[at] === close) return leave()
      if (text[at] !== ',') return false
      at++
    }
  }
  if (value()) skip(space)
  return at
}
