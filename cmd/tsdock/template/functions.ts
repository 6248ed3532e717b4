// SPDX-License-Identifier: Apache-2.0
// Functions of templates: Go's own, and docker's. Pure.

import { DockError } from '../../../bundles/error.ts'
import { sprintf, typeName, valueText } from './printf.ts'

export const fail = (message: string): DockError => new DockError(`template parsing error: template: :1: ${message}`)

/** What a map has not: Go prints it so. */
export const NO_VALUE = '<no value>'

/** What an action prints. nested: in print and its like, or in a list. */
export function printed(value: unknown, nested = false): string {
  return (value === undefined || value === null) && !nested ? NO_VALUE : valueText(value)
}

/** What counts as false: nothing, zero, and what is empty. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object') return Object.keys(value).length > 0
  return Boolean(value)
}

const text = (value: unknown, name: string): string => {
  if (typeof value === 'string') return value
  throw fail(`error calling ${name}: wrong type for value; expected string; got ${typeName(value)}`)
}
const incompatible = (a: unknown, b: unknown, name: string): DockError =>
  fail(`error calling ${name}: incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`)

function compare(a: unknown, b: unknown, name: string): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) throw incompatible(a, b, name)
  return a < (b as typeof a) ? -1 : a > (b as typeof a) ? 1 : 0
}

function equal(a: unknown, others: readonly unknown[], name: string): boolean {
  if (others.length === 0) throw fail(`error calling ${name}: missing argument for comparison`)
  return others.some((b) => {
    const known = a !== null && b !== null && a !== undefined && b !== undefined
    const composite = [a, b].find((one) => typeof one === 'object' && one !== null)
    if (known && composite !== undefined) {
      throw fail(`error calling ${name}: non-comparable type ${valueText(composite)}: ${typeName(composite)}`)
    }
    if (known && typeof a !== typeof b) throw incompatible(a, b, name)
    return a === b || (!known && (a ?? null) === (b ?? null))
  })
}

function index(value: unknown, ...keys: readonly unknown[]): unknown {
  return keys.reduce((inside: unknown, key) => {
    if (inside === null || inside === undefined) throw fail('error calling index: index of untyped nil')
    if (Array.isArray(inside) || typeof inside === 'string') {
      // Go counts bytes.
      const items: ArrayLike<unknown> = typeof inside === 'string' ? Buffer.from(inside) : inside
      const at = Number(key)
      if (!Number.isInteger(at)) throw fail(`error calling index: cannot index slice/array with type ${typeName(key)}`)
      if (at < 0 || at >= items.length) {
        throw fail(`error calling index: reflect: slice index out of range: ${at}`)
      }
      return items[at]
    }
    if (typeof inside === 'object' && typeof key !== 'string') {
      throw fail(`error calling index: value has type ${typeName(key)}; should be string`)
    }
    if (typeof inside !== 'object') throw fail(`error calling index: can't index item of type ${typeName(inside)}`)
    return Object.hasOwn(inside, String(key)) ? (inside as Record<string, unknown>)[String(key)] : undefined
  }, value)
}

function slice(value: unknown, from: unknown = 0, to?: unknown, most?: unknown): unknown {
  if (typeof value === 'string' && most !== undefined) throw fail('error calling slice: cannot 3-index slice a string')
  if (!Array.isArray(value) && typeof value !== 'string') {
    throw fail(`error calling slice: can't slice item of type ${typeName(value)}`)
  }
  const items = typeof value === 'string' ? Buffer.from(value) : value
  const [start, end] = [Number(from), to === undefined ? items.length : Number(to)]
  if (!(start >= 0 && start <= end && end <= items.length)) throw fail('error calling slice: index out of range')
  return items instanceof Buffer ? items.subarray(start, end).toString() : items.slice(start, end)
}

function length(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  throw fail(`error calling len: len of type ${typeName(value)}`)
}

/** fmt.Sprint: blanks between operands when neither is a string. */
function sprint(values: readonly unknown[]): string {
  return values
    .map((value, i) => {
      const before = values[i - 1]
      const blank = i > 0 && typeof value !== 'string' && typeof before !== 'string'
      return `${blank ? ' ' : ''}${printed(value, true)}`
    })
    .join('')
}

/** What these three take: nothing is a word of its own. */
const escapable = (values: readonly unknown[]): string => sprint(values.map((one) => one ?? NO_VALUE))

const HTML: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
}
const html = (all: string): string => all.replace(/[\0&<>"']/g, (one) => HTML[one] ?? one)
const script = (all: string): string =>
  all.replace(/[\\'"<>&=]|\p{Cc}/gu, (one) =>
    /[\\'"]/.test(one) ? `\\${one}` : `\\u${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )

/** Docker has Go leave <, > and & as they are. */
export const json = (value: unknown): string =>
  // Large whole numbers are those of nanoseconds.
  (typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)).replace(
    /[\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16)}`,
  )

/** What a query may hold as it is: RFC 3986, section 2.3. */
const queryEscape = (all: string): string =>
  encodeURIComponent(all).replace(/%20|[!'()*]/g, (one) =>
    one === '%20' ? '+' : `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Words begin behind blanks, and behind signs of ASCII. */
const titled = (all: string): string =>
  all.replace(
    /(^|[\p{White_Space}]|(?![0-9A-Za-z_])[\0-\x7f])(\p{L})/gu,
    (_, before: string, first: string) => before + first.toUpperCase(),
  )

export type TemplateFunctions = Readonly<Record<string, (...values: readonly unknown[]) => unknown>>

export const functions: TemplateFunctions = {
  call: (value) => {
    throw fail(`error calling call: non-function of type ${typeName(value)}`)
  },
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (a, ...others) => equal(a, others, 'eq'),
  ne: (a, b) => !equal(a, [b], 'ne'),
  lt: (a, b) => compare(a, b, 'lt') < 0,
  le: (a, b) => compare(a, b, 'le') <= 0,
  gt: (a, b) => compare(a, b, 'gt') > 0,
  ge: (a, b) => compare(a, b, 'ge') >= 0,
  index,
  slice,
  len: length,
  print: (...values) => sprint(values),
  println: (...values) => `${values.map((value) => printed(value, true)).join(' ')}\n`,
  printf: (pattern, ...values) => sprintf(text(pattern, 'printf'), values),
  html: (...values) => html(escapable(values)),
  js: (...values) => script(escapable(values)),
  urlquery: (...values) => queryEscape(escapable(values)),
  json,
  join: (list, separator = '') => {
    if (!Array.isArray(list)) throw fail('error calling join: it takes a list')
    return list.map((one) => printed(one)).join(text(separator, 'join'))
  },
  split: (all, separator) => text(all, 'split').split(text(separator, 'split')),
  lower: (all) => text(all, 'lower').toLowerCase(),
  upper: (all) => text(all, 'upper').toUpperCase(),
  title: (all) => titled(text(all, 'title')),
  pad: (all, before, after) =>
    all === '' ? '' : `${' '.repeat(Number(before))}${text(all, 'pad')}${' '.repeat(Number(after))}`,
  truncate: (all, size) => Buffer.from(text(all, 'truncate')).subarray(0, Number(size)).toString(),
}

/** As docker has them for headings: only pad changes one, so that it stays above its column. */
export const headingFunctions: TemplateFunctions = {
  ...functions,
  ...Object.fromEntries(
    ['json', 'split', 'join', 'title', 'lower', 'upper', 'truncate'].map((name) => [name, (one: unknown) => one]),
  ),
}

/** Fewest and most arguments. */
export const argumentsOf: Readonly<Record<string, readonly [least: number, most: number]>> = {
  not: [1, 1],
  len: [1, 1],
  json: [1, 1],
  lower: [1, 1],
  upper: [1, 1],
  title: [1, 1],
  split: [2, 2],
  join: [2, 2],
  truncate: [2, 2],
  pad: [3, 3],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2],
  and: [1, Number.POSITIVE_INFINITY],
  or: [1, Number.POSITIVE_INFINITY],
  eq: [1, Number.POSITIVE_INFINITY],
  index: [1, Number.POSITIVE_INFINITY],
  printf: [1, Number.POSITIVE_INFINITY],
  call: [1, Number.POSITIVE_INFINITY],
  slice: [1, 4],
}
