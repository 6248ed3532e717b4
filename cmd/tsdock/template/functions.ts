// SPDX-License-Identifier: Apache-2.0
// Functions of templates: Go's own, and docker's. Pure.

import { DockError } from '../../../bundles/error.ts'
import { numberText, sprintf } from './printf.ts'
import { compareKeys, cutBytes, goType } from './values.ts'

export const fail = (message: string): DockError => new DockError(`template parsing error: template: :1: ${message}`)

/** What a map has not: Go prints it so. */
export const NO_VALUE = '<no value>'

/** As fmt's %v prints it. */
export function printed(value: unknown, nested = false): string {
  if (value === undefined) return NO_VALUE
  if (value === null) return nested ? '<nil>' : NO_VALUE
  if (Array.isArray(value)) return `[${value.map((one) => printed(one, true)).join(' ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(compareKeys)
    return `map[${entries.map(([key, one]) => `${key}:${printed(one, true)}`).join(' ')}]`
  }
  return typeof value === 'number' ? numberText(value) : String(value)
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
  throw fail(`error calling ${name}: wrong type for value; expected string; got ${goType(value)}`)
}
function compare(a: unknown, b: unknown, name: string): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    throw fail(`error calling ${name}: incompatible types for comparison`)
  }
  return a < (b as typeof a) ? -1 : a > (b as typeof a) ? 1 : 0
}

function equal(a: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw fail('error calling eq: missing argument for comparison')
  const composite = [a, ...others].find((one) => typeof one === 'object' && one !== null)
  if (composite !== undefined) {
    throw fail(`error calling eq: non-comparable type ${printed(composite)}: ${goType(composite)}`)
  }
  return others.some((b) => {
    const known = a !== null && b !== null && a !== undefined && b !== undefined
    if (known && typeof a !== typeof b) throw fail('error calling eq: incompatible types for comparison')
    return a === b || (!known && (a ?? null) === (b ?? null))
  })
}

function index(value: unknown, ...keys: readonly unknown[]): unknown {
  return keys.reduce((inside: unknown, key) => {
    if (inside === null || inside === undefined) throw fail('error calling index: index of untyped nil')
    if (Array.isArray(inside) || typeof inside === 'string') {
      const at = typeof key === 'number' ? key : Number.NaN
      if (!Number.isInteger(at)) throw fail(`error calling index: cannot index slice/array with type ${goType(key)}`)
      const bytes = typeof inside === 'string' ? Buffer.from(inside) : inside
      if (at < 0 || at >= bytes.length) throw fail(`error calling index: index out of range: ${at}`)
      return bytes[at]
    }
    if (typeof inside !== 'object') throw fail(`error calling index: can't index item of type ${goType(inside)}`)
    if (typeof key !== 'string') throw fail(`error calling index: value has type ${goType(key)}; should be string`)
    return Object.hasOwn(inside, key) ? (inside as Record<string, unknown>)[key] : undefined
  }, value)
}

function slice(value: unknown, from: unknown = 0, to?: unknown, capacity?: unknown): unknown {
  if (typeof value === 'string' && capacity !== undefined) {
    throw fail('error calling slice: cannot 3-index slice a string')
  }
  if (!Array.isArray(value) && typeof value !== 'string') {
    throw fail(`error calling slice: can't slice item of type ${goType(value)}`)
  }
  const size = length(value)
  const [start, end] = [Number(from), to === undefined ? size : Number(to)]
  if (!(start >= 0 && start <= end && end <= size)) throw fail('error calling slice: index out of range')
  return typeof value === 'string' ? cutBytes(value, start, end) : value.slice(start, end)
}

function length(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  throw fail(`error calling len: len of type ${goType(value)}`)
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

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const html = (all: string): string => all.replaceAll('\0', '\ufffd').replace(/[&<>"']/g, (one) => HTML[one] ?? one)
const script = (all: string): string =>
  all.replace(/[\\'"<>&=\p{Cc}]/gu, (one) =>
    /[\\'"]/.test(one) ? `\\${one}` : `\\u${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )

/** As docker's: <, > and & stay as they are. */
export const json = (value: unknown): string =>
  // Large whole numbers are those of nanoseconds.
  (typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)).replace(
    /[\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16)}`,
  )

const titled = (all: string): string =>
  all.replace(/(^|[^\p{L}\p{N}_])(\p{L})/gu, (_, before: string, first: string) => before + first.toUpperCase())

/** As encodeURIComponent, and the five that it leaves. */
const percentEncoded = (all: string): string =>
  encodeURIComponent(all).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

export type TemplateFunction = (...values: readonly unknown[]) => unknown

export const functions: Readonly<Record<string, TemplateFunction>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (a, ...others) => equal(a, others),
  ne: (a, b) => !equal(a, [b]),
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
  html: (...values) => html(sprint(values)),
  js: (...values) => script(sprint(values)),
  urlquery: (...values) => percentEncoded(sprint(values)).replaceAll('%20', '+'),
  json,
  join: (list, separator) => {
    if (!Array.isArray(list)) throw fail('error calling join: it takes a list')
    return list.map((one) => printed(one)).join(text(separator, 'join'))
  },
  split: (all, separator) => text(all, 'split').split(text(separator, 'split')),
  lower: (all) => text(all, 'lower').toLowerCase(),
  upper: (all) => text(all, 'upper').toUpperCase(),
  title: (all) => titled(text(all, 'title')),
  pad: (all, before, after) =>
    all === '' ? '' : `${' '.repeat(Number(before))}${text(all, 'pad')}${' '.repeat(Number(after))}`,
  truncate: (all, size) => cutBytes(text(all, 'truncate'), 0, Number(size)),
}

/** How many values they take; those that are not named: any number. */
const counts: Readonly<Record<string, readonly [min: number, max: number]>> = {
  ...Object.fromEntries(['not', 'len', 'json', 'lower', 'upper', 'title'].map((name) => [name, [1, 1]] as const)),
  ...Object.fromEntries(['ne', 'lt', 'le', 'gt', 'ge', 'split', 'join', 'truncate'].map((n) => [n, [2, 2]] as const)),
  ...Object.fromEntries(
    ['eq', 'and', 'or', 'index', 'slice', 'printf'].map((n) => [n, [1, Number.POSITIVE_INFINITY]] as const),
  ),
  pad: [3, 3],
}

/** What headings of a table go through: those functions that would make other words of them do nothing. */
export const headingFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...functions,
  ...Object.fromEntries(['json', 'split', 'join', 'title', 'lower', 'upper', 'truncate'].map((n) => [n, (one) => one])),
}

/** Errors: DockError. */
export function callFunction(
  all: Readonly<Record<string, TemplateFunction>>,
  name: string,
  values: readonly unknown[],
): unknown {
  const [min, max] = counts[name] ?? [0, Number.POSITIVE_INFINITY]
  if (values.length < min || values.length > max) {
    throw fail(`wrong number of args for ${name}: want ${min === max ? '' : 'at least '}${min} got ${values.length}`)
  }
  return all[name]?.(...values)
}
