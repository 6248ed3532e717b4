// SPDX-License-Identifier: Apache-2.0
// Go's fmt.Sprintf, for values of JSON. npm's sprintf libraries are those of C: no %v, no %!d(string=x). Pure.

import { compareKeys, goType } from './values.ts'

interface Style {
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
}

const PLAIN: Style = { flags: '', width: 0, precision: undefined }

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

/** strconv.Quote */
const quoted = (text: string): string =>
  `"${text.replace(/["\\]|[^\P{C}]/gu, (one) => {
    const code = one.codePointAt(0) ?? 0
    const hex = code.toString(16)
    const wide = code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
    return escapes[one] ?? (code < 0x80 ? `\\x${hex.padStart(2, '0')}` : wide)
  })}"`

function padded(text: string, { flags, width }: Style): string {
  const missing = ' '.repeat(Math.max(0, width - [...text].length))
  return flags.includes('-') ? text + missing : missing + text
}

/** Zeros go between the sign and the digits. */
function number(negative: boolean, digits: string, style: Style): string {
  const sign = negative ? '-' : style.flags.includes('+') ? '+' : style.flags.includes(' ') ? ' ' : ''
  const zeros = style.flags.includes('0') && !style.flags.includes('-')
  return padded(sign + (zeros ? digits.padStart(style.width - sign.length, '0') : digits), style)
}

/** As toFixed, but a tie goes to the even digit. */
function fixed(value: number, precision: number): string {
  const more = 25
  const up = value.toFixed(precision)
  if (precision + more > 100) return up
  const long = value.toFixed(precision + more)
  if (!long.endsWith(`5${'0'.repeat(more - 1)}`)) return up
  const down = precision === 0 ? long.slice(0, -more - 1) : long.slice(0, -more)
  return /[02468]$/.test(down) ? down : up
}

const exponential = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2')

/** %g: the shortest digits; large and small ones with an exponent. */
function shortest(value: number, precision: number | undefined): string {
  const wanted = precision === undefined ? undefined : Math.max(1, precision)
  const whole = wanted === undefined ? value.toExponential() : value.toExponential(wanted - 1)
  const [mantissa = '', exponent = ''] = whole.split('e')
  const digits = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa
  const count = digits.replace('.', '').length
  const power = Number(exponent)
  const limit = wanted === undefined ? 6 : wanted > count && count >= power + 1 ? count : wanted
  if (power < -4 || power >= limit) return exponential(`${digits}e${exponent}`)
  return Number(`${digits}e${exponent}`).toFixed(Math.max(0, count - 1 - power))
}

/** %v of a number. Whole numbers are ints: JSON has no other sign of them. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString()
  return `${value < 0 ? '-' : ''}${shortest(Math.abs(value), undefined)}`
}

const bases: Readonly<Record<string, readonly [base: number, prefix: string]>> = {
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, ''],
  x: [16, '0x'],
  X: [16, '0X'],
}

const bad = (verb: string, value: unknown): string => `%!${verb}(${goType(value)}=${formatted('v', value, PLAIN)})`

function whole(verb: string, value: bigint, style: Style): string | undefined {
  const size = value < 0n ? -value : value
  const base = bases[verb]
  if (base !== undefined || verb === 'd' || verb === 'v') {
    const [radix, prefix] = base ?? [10, '']
    const digits = size.toString(radix).padStart(style.precision ?? 0, '0')
    const shown = verb === 'X' ? digits.toUpperCase() : digits
    return number(value < 0n, (verb === 'O' ? '0o' : style.flags.includes('#') ? prefix : '') + shown, style)
  }
  if (verb === 'U') return padded(`U+${size.toString(16).toUpperCase().padStart(4, '0')}`, style)
  if (verb !== 'c' && verb !== 'q') return undefined
  const one = value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : '\ufffd'
  return padded(verb === 'c' ? one : `'${one === "'" ? "\\'" : one === '"' ? one : quoted(one).slice(1, -1)}'`, style)
}

function fraction(verb: string, value: number, style: Style): string | undefined {
  const size = Math.abs(value)
  const { precision } = style
  const of: Readonly<Record<string, () => string>> = {
    f: () => fixed(size, precision ?? 6),
    e: () => exponential(size.toExponential(precision ?? 6)),
    g: () => shortest(size, precision),
    v: () => shortest(size, precision),
  }
  const digits = of[verb === 'v' ? verb : verb.toLowerCase()]?.()
  if (digits === undefined) return undefined
  return number(value < 0, /[EG]/.test(verb) ? digits.toUpperCase() : digits, style)
}

function string(verb: string, value: string, style: Style): string | undefined {
  const cut = style.precision === undefined ? value : [...value].slice(0, style.precision).join('')
  switch (verb) {
    case 'v':
      return padded(style.flags.includes('#') ? quoted(cut) : cut, style)
    case 's':
      return padded(cut, style)
    case 'q':
      return padded(style.flags.includes('#') && !/[`\p{C}]/u.test(cut) ? `\`${cut}\`` : quoted(cut), style)
    case 'x':
    case 'X': {
      const hex = Buffer.from(cut).toString('hex')
      const apart = style.flags.includes(' ') ? hex.replace(/..(?=.)/g, '$& ') : hex
      return padded(verb === 'X' ? apart.toUpperCase() : apart, style)
    }
  }
  return undefined
}

/** One value under a verb. Composites: the verb counts for what is in them. */
export function formatted(verb: string, value: unknown, style: Style): string {
  if (verb === 'T') return padded(value === undefined || value === null ? '<nil>' : goType(value), style)
  if (value === undefined || value === null) return verb === 'v' ? padded('<nil>', style) : `%!${verb}(<nil>)`
  if (Array.isArray(value)) return `[${value.map((one) => formatted(verb, one, style)).join(' ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(compareKeys)
    const shown = entries.map(([key, one]) => `${formatted(verb, key, style)}:${formatted(verb, one, style)}`)
    return `map[${shown.join(' ')}]`
  }
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? padded(String(value), style) : bad(verb, value)
  if (typeof value === 'string') return string(verb, value, style) ?? bad(verb, value)
  if (typeof value === 'bigint') return whole(verb, value, style) ?? bad(verb, value)
  const number = Number(value)
  const isWhole = Number.isInteger(number) && Math.abs(number) < 1e21
  return (isWhole ? whole(verb, BigInt(number), style) : undefined) ?? fraction(verb, number, style) ?? bad(verb, value)
}

const VERB = /%([-+# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:\.(?:\[(\d+)\])?(\*|\d*))?(?:\[(\d+)\])?(.?)/gsu

export function sprintf(pattern: string, values: readonly unknown[]): string {
  let at = 0
  let jumped = false
  const take = (index: string | undefined): { readonly value: unknown } | undefined => {
    if (index !== undefined) {
      at = Number(index) - 1
      jumped = true
    }
    if (at < 0 || at >= values.length) return undefined
    return { value: values[at++] }
  }
  const size = (text: string | undefined, index: string | undefined): number | undefined =>
    text === '*' ? Number(take(index)?.value) : text === undefined ? undefined : Number(text)
  const out = pattern.replace(VERB, (_, flags: string, first, width, second, precision, third, verb: string) => {
    if (verb === '') return '%!(NOVERB)'
    const given = size(width, first)
    const digits = size(precision, second)
    if (verb === '%') return '%'
    const taken = take(third ?? (width === '*' ? undefined : first))
    if (taken === undefined) return `%!${verb}(${jumped ? 'BADINDEX' : 'MISSING'})`
    const left = given !== undefined && given < 0
    // %+v asks for names of fields, which maps have anyway.
    const asked = verb === 'v' ? flags.replaceAll('+', '') : flags
    return formatted(verb, taken.value, {
      flags: left ? `${asked}-` : asked,
      width: Math.abs(given ?? 0),
      precision: digits,
    })
  })
  if (jumped || at >= values.length) return out
  const more = values
    .slice(at)
    .map((one) => (one === undefined || one === null ? '<nil>' : `${goType(one)}=${formatted('v', one, PLAIN)}`))
  return `${out}%!(EXTRA ${more.join(', ')})`
}
