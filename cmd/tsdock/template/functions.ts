// SPDX-License-Identifier: Apache-2.0
// Functions of templates: Go's own, and docker's. Pure.

import { DockError } from '../../../bundles/error.ts'

export const fail = (message: string): DockError => new DockError(`template: :1: ${message}`)

/** What a map has not: Go prints it so. */
export const NO_VALUE = '<no value>'

/** As fmt's %v prints it. */
export function printed(value: unknown, nested = false): string {
  if (value === undefined) return NO_VALUE
  if (value === null) return nested ? '<nil>' : NO_VALUE
  if (Array.isArray(value)) return `[${value.map((one) => printed(one, true)).join(' ')}]`
  if (typeof value === 'object') {
    const keys = Object.keys(value).sort()
    return `map[${keys.map((key) => `${key}:${printed((value as Record<string, unknown>)[key], true)}`).join(' ')}]`
  }
  return String(value)
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
const typeName = (value: unknown): string =>
  value === undefined || value === null
    ? 'nil'
    : Array.isArray(value)
      ? 'slice'
      : typeof value === 'object'
        ? 'map'
        : typeof value

function compare(a: unknown, b: unknown, name: string): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    throw fail(`error calling ${name}: incompatible types for comparison`)
  }
  return a < (b as typeof a) ? -1 : a > (b as typeof a) ? 1 : 0
}

function equal(a: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw fail('error calling eq: missing argument for comparison')
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
      const at = Number(key)
      if (!Number.isInteger(at)) throw fail(`error calling index: cannot index slice/array with type ${typeName(key)}`)
      if (at < 0 || at >= inside.length) {
        throw fail(`error calling index: reflect: slice index out of range: ${at}`)
      }
      return typeof inside === 'string' ? inside.charCodeAt(at) : inside[at]
    }
    if (typeof inside !== 'object') throw fail(`error calling index: can't index item of type ${typeName(inside)}`)
    return Object.hasOwn(inside, String(key)) ? (inside as Record<string, unknown>)[String(key)] : undefined
  }, value)
}

function slice(value: unknown, from: unknown = 0, to?: unknown): unknown {
  if (!Array.isArray(value) && typeof value !== 'string') {
    throw fail(`error calling slice: can't slice item of type ${typeName(value)}`)
  }
  const [start, end] = [Number(from), to === undefined ? value.length : Number(to)]
  if (!(start >= 0 && start <= end && end <= value.length)) throw fail('error calling slice: index out of range')
  return value.slice(start, end)
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

/** The verbs that formats use. */
function sprintf(pattern: unknown, ...values: readonly unknown[]): string {
  const left = [...values]
  const out = text(pattern, 'printf').replace(
    /%([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (whole, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (left.length === 0) return `%!${verb}(MISSING)`
      const body = formatted(verb, left.shift(), precision, flags) ?? whole
      const pad = flags.includes('0') && !flags.includes('-') && verb !== 's' ? '0' : ' '
      return flags.includes('-') ? body.padEnd(Number(width)) : body.padStart(Number(width), pad)
    },
  )
  return left.length === 0
    ? out
    : `${out}%!(EXTRA ${left.map((one) => `${typeName(one)}=${printed(one, true)}`).join(', ')})`
}

function formatted(verb: string, value: unknown, precision: string | undefined, flags: string): string | undefined {
  const number = Number(value)
  const sign = flags.includes('+') && number >= 0 ? '+' : ''
  switch (verb) {
    case 'v':
    case 's': {
      const all = printed(value, true)
      return precision === undefined ? all : all.slice(0, Number(precision))
    }
    case 'd':
      return typeof value === 'number'
        ? `${sign}${Math.trunc(number)}`
        : `%!d(${typeName(value)}=${printed(value, true)})`
    case 'f':
      return typeof value === 'number' ? `${sign}${number.toFixed(Number(precision ?? 6))}` : undefined
    case 'g':
    case 'e':
      return typeof value === 'number' ? String(number) : undefined
    case 'q':
      return JSON.stringify(printed(value, true))
    case 'x':
      return typeof value === 'number' ? number.toString(16) : Buffer.from(printed(value, true)).toString('hex')
    case 'X':
      return formatted('x', value, precision, flags)?.toUpperCase()
    case 't':
      return String(value)
    case 'T':
      return typeName(value)
    default:
      return `%!${verb}(${typeName(value)}=${printed(value, true)})`
  }
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const html = (all: string): string => all.replace(/[&<>"']/g, (one) => HTML[one] ?? one)
const script = (all: string): string =>
  all.replace(/[\\'"<>&=\n\r\t]/g, (one) =>
    /[\\'"]/.test(one) ? `\\${one}` : `\\u${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )

/** Go writes these three as numbers. */
export const json = (value: unknown): string =>
  // Large whole numbers are those of nanoseconds.
  (typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const titled = (all: string): string =>
  all.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before: string, first: string) => before + first.toUpperCase())

type TemplateFunction = (...values: readonly unknown[]) => unknown

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
  printf: sprintf,
  html: (...values) => html(sprint(values)),
  js: (...values) => script(sprint(values)),
  urlquery: (...values) => encodeURIComponent(sprint(values)).replaceAll('%20', '+'),
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
  truncate: (all, size) => [...text(all, 'truncate')].slice(0, Number(size)).join(''),
}
