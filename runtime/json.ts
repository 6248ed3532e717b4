// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../spec/error.ts'

/** Far more than any document of the specification has. */
const MAX_DEPTH = 512

/** Text -> value. Errors: invalid-json, with the line and column where it goes wrong. */
export function parseJson(text: string, name: string): unknown {
  if (text.trim() === '') throw invalidJson(name, 'it is empty')
  if (isTooDeep(text)) throw invalidJson(name, `it is nested more than ${MAX_DEPTH} levels deep`)
  try {
    return JSON.parse(text)
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
