// SPDX-License-Identifier: Apache-2.0
// Values as Go's libraries read them: no library of JavaScript has the same words for them.

import { Problem } from './located-error.ts'

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Nanoseconds of a duration such as `5s`, `1m30s` or `1.5h`. Undefined for a text that is none. */
export function parseGoDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text)
  if (match === null) return undefined
  let sum = 0
  for (const [, number = '', unit = ''] of (match[2] ?? '').matchAll(/([\d.]+)([^\d.]+)/g)) {
    sum += Number(number) * (NANOSECONDS[unit] ?? 0)
  }
  if (sum > 2 ** 63) return undefined
  return Math.trunc(match[1] === '-' ? -sum : sum)
}

/** true or false of `1`, `t`, `True` and the like. Undefined for other words. */
export function parseGoBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  return undefined
}

/** Bytes of a size such as `64m`, `1.5GiB` or `100`; units are powers of 1024. Undefined for a text that is none. */
export function parseRamSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text)
  if (match === null) return undefined
  const [, number = '', unit = ''] = match
  const bytes = Math.trunc(Number(number) * 1024 ** ('kmgtp'.indexOf(unit.toLowerCase() || ' ') + 1))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A number of digits of a base below a limit. Undefined for other texts. */
export function parseNumber(text: string, base: 8 | 10, limit: number): number | undefined {
  if (!(base === 8 ? /^[0-7]+$/ : /^\d+$/).test(text)) return undefined
  const number = Number.parseInt(text, base)
  return number < limit ? number : undefined
}

/** The fields of one line of comma separated values; a field in double quotes may hold commas. Errors: Problem. */
export function parseCsvLine(line: string): readonly string[] {
  const fields: string[] = []
  if (line === '') throw new Problem('the value is empty', { expected: 'KEY=VALUE,...' })
  for (let at = 0; ; ) {
    if (line.charAt(at) !== '"') {
      const comma = line.indexOf(',', at)
      const field = line.slice(at, comma < 0 ? line.length : comma)
      if (field.includes('"'))
        throw new Problem(`a quote inside of ${field}`, { at: field, expected: 'quotes around all of it' })
      fields.push(field)
      if (comma < 0) return fields
      at = comma + 1
      continue
    }
    let field = ''
    for (at++; ; at++) {
      const quote = line.indexOf('"', at)
      if (quote < 0) throw new Problem(`no closing " in ${line}`, { at: line, expected: '"' })
      field += line.slice(at, quote)
      at = quote + 1
      if (line.charAt(at) !== '"') break
      field += '"'
    }
    fields.push(field)
    if (at >= line.length) return fields
    if (line.charAt(at) !== ',') throw new Problem(`text behind a closing " in ${line}`, { at: line, expected: ',' })
    at++
  }
}
