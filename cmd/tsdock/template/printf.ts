// SPDX-License-Identifier: Apache-2.0
// Values as Go's fmt prints them: %v, and the verbs of printf. npm's printf libraries have C's verbs. Pure.

/** As reflect names it. */
export function typeName(value: unknown): string {
  if (value === undefined || value === null) return '<nil>'
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  return { boolean: 'bool', bigint: 'int' }[typeof value as string] ?? typeof value
}

/** `1e+06`: two digits of exponent at least. */
const withExponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2')

/** %g. precision: undefined for the fewest digits that are exact. */
function general(value: number, precision: number | undefined): string {
  const wanted = precision === undefined ? undefined : Math.max(precision, 1) - 1
  const [, digits = '', exponent = '0'] = /^([\d.]+)e([+-]\d+)$/.exec(Math.abs(value).toExponential(wanted)) ?? []
  const significant = digits.replace('.', '').replace(/0+$/, '') || '0'
  const at = Number(exponent)
  const limit =
    precision === undefined
      ? 6
      : precision > significant.length && significant.length > at
        ? significant.length
        : precision
  const sign = value < 0 ? '-' : ''
  if (at < -4 || at >= Math.max(limit, 1)) {
    const fraction = significant.length > 1 ? `.${significant.slice(1)}` : ''
    return withExponent(`${sign}${significant[0]}${fraction}e${at < 0 ? '-' : '+'}${Math.abs(at)}`)
  }
  if (at < 0) return `${sign}0.${'0'.repeat(-at - 1)}${significant}`
  const whole = significant.padEnd(at + 1, '0')
  return `${sign}${whole.slice(0, at + 1)}${whole.length > at + 1 ? `.${whole.slice(at + 1)}` : ''}`
}

/** Whole numbers are Go's int. */
const numberText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e21 ? String(value) : general(value, undefined)

const NAMED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

/** A Go literal. */
function quoted(text: string, mark: '"' | "'"): string {
  const body = text.replace(/["'\\]|[^\P{C}]|(?! )\p{Z}/gu, (one) => {
    if (one === '"' || one === "'") return one === mark ? `\\${one}` : one
    const code = one.codePointAt(0) ?? 0
    const [letter, width] = code < 0x80 ? ['x', 2] : code < 0x10000 ? ['u', 4] : ['U', 8]
    return NAMED[one] ?? `\\${letter}${code.toString(16).padStart(Number(width), '0')}`
  })
  return `${mark}${body}${mark}`
}

interface Directive {
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
}

const plain: Directive = { flags: '', width: 0, precision: undefined }

function padded(text: string, { flags, width }: Directive): string {
  const missing = ' '.repeat(Math.max(0, width - [...text].length))
  return flags.includes('-') ? text + missing : missing + text
}

function signed(body: string, directive: Directive, prefix = ''): string {
  const { flags, width, precision } = directive
  const negative = body.startsWith('-')
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''
  const digits = negative ? body.slice(1) : body
  const zeros = flags.includes('0') && !flags.includes('-') && precision === undefined ? width - sign.length : 0
  return padded(`${sign}${prefix}${digits.padStart(zeros, '0')}`, directive)
}

const bases: Readonly<Record<string, readonly [base: number, prefix: string]>> = {
  b: [2, '0b'],
  o: [8, '0'],
  x: [16, '0x'],
  X: [16, '0X'],
}

function whole(verb: string, value: number | bigint, directive: Directive): string | undefined {
  const { flags, precision = 0 } = directive
  const padDigits = (text: string): string =>
    text.startsWith('-') ? `-${text.slice(1).padStart(precision, '0')}` : text.padStart(precision, '0')
  if (verb === 'v' || verb === 'd') return signed(padDigits(BigInt(value).toString()), directive)
  const [base, prefix] = bases[verb] ?? []
  if (base !== undefined) {
    const digits = padDigits(BigInt(value).toString(base))
    return signed(verb === 'X' ? digits.toUpperCase() : digits, directive, flags.includes('#') ? prefix : '')
  }
  const code = Number(value)
  const character = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  if (verb === 'c') return padded(character, directive)
  if (verb === 'q') return padded(quoted(character, "'"), directive)
  return verb === 'U' ? padded(`U+${code.toString(16).toUpperCase().padStart(4, '0')}`, directive) : undefined
}

/** toFixed rounds halves up, Go to even digits. */
function fixed(value: number, precision: number): string {
  const rounded = value.toFixed(precision)
  const exact = Math.abs(value).toFixed(Math.min(100, precision + 60))
  const at = exact.indexOf('.') + 1 + precision
  const kept = exact.slice(0, at).replace(/\.$/, '')
  if (!/^50*$/.test(exact.slice(at)) || !/[02468]$/.test(kept)) return rounded
  return value < 0 ? `-${kept}` : kept
}

function fraction(verb: string, value: number, directive: Directive): string | undefined {
  const { precision } = directive
  // Of a float's digits the zeros stand before the whole number.
  const shown = { ...directive, precision: undefined }
  switch (verb) {
    case 'v':
    case 'g':
      return signed(general(value, precision), shown)
    case 'G':
      return signed(general(value, precision).toUpperCase(), shown)
    case 'f':
    case 'F':
      return signed(fixed(value, precision ?? 6), shown)
    case 'e':
      return signed(withExponent(value.toExponential(precision ?? 6)), shown)
    case 'E':
      return fraction('e', value, directive)?.toUpperCase()
    default:
      return undefined
  }
}

function characters(verb: string, value: string, directive: Directive): string | undefined {
  const { flags, precision } = directive
  const cut = precision === undefined ? value : [...value].slice(0, precision).join('')
  switch (verb) {
    case 'v':
    case 's':
      return padded(cut, directive)
    case 'q':
      return padded(flags.includes('#') && !/[`\p{C}]/u.test(cut) ? `\`${cut}\`` : quoted(cut, '"'), directive)
    case 'x':
    case 'X': {
      const hex = Buffer.from(value)
        .subarray(0, precision)
        .toString('hex')
        .replace(/..(?=.)/g, (pair) => (flags.includes(' ') ? `${pair} ` : pair))
      return padded(verb === 'X' ? hex.toUpperCase() : hex, directive)
    }
    default:
      return undefined
  }
}

function scalar(verb: string, value: unknown, directive: Directive): string | undefined {
  if (typeof value === 'string') return characters(verb, value, directive)
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? padded(String(value), directive) : undefined
  if (typeof value === 'bigint') return whole(verb, value, directive)
  if (typeof value !== 'number') return verb === 'v' ? padded('<nil>', directive) : undefined
  return Number.isInteger(value) && Math.abs(value) < 1e21
    ? whole(verb, value, directive)
    : fraction(verb, value, directive)
}

/** Each verb goes through to what lists and maps hold. */
function formatted(verb: string, value: unknown, directive: Directive): string {
  if (verb === 'T') return padded(typeName(value), directive)
  const inside = (one: unknown): string => formatted(verb, one, directive)
  if (Array.isArray(value)) return `[${value.map(inside).join(' ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `map[${entries.map(([key, one]) => `${inside(key)}:${inside(one)}`).join(' ')}]`
  }
  const text = scalar(verb, value, directive)
  if (text !== undefined) return text
  const name = typeName(value)
  return name === '<nil>' ? `%!${verb}(<nil>)` : `%!${verb}(${name}=${formatted('v', value, plain)})`
}

/** Of %+v and %#v, the flags are about what is printed: names of fields, and Go's syntax. */
function formattedTop(verb: string, value: unknown, directive: Directive): string {
  if (verb !== 'v') return formatted(verb, value, directive)
  if (directive.flags.includes('#') && typeof value === 'string') return formatted('q', value, plain)
  return formatted('v', value, { ...directive, flags: directive.flags.replace(/[+#]/g, '') })
}

/** %v */
export const valueText = (value: unknown): string =>
  typeof value === 'number' ? numberText(value) : typeof value === 'string' ? value : formatted('v', value, plain)

const DIRECTIVE = /%([-+# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?(.?)/gsu

/** fmt.Sprintf */
export function sprintf(pattern: string, values: readonly unknown[]): string {
  let next = 0
  let reordered = false
  const jump = (index: string | undefined): void => {
    if (index === undefined) return
    reordered = true
    next = Number(index) - 1
  }
  const star = (text: string | undefined): number | undefined =>
    text === '*' ? Number(values[next++]) : text === undefined ? undefined : Number(text)
  const out = pattern.replace(
    DIRECTIVE,
    (_, flags: string, before: string | undefined, wide, precise, after: string | undefined, verb: string) => {
      jump(before)
      const width = star(wide) ?? 0
      const precision = star(precise)
      jump(after)
      if (verb === '') return '%!(NOVERB)'
      if (verb === '%') return '%'
      if (next < 0 || next >= values.length) return `%!${verb}(${reordered ? 'BADINDEX' : 'MISSING'})`
      const left = width < 0 ? { flags: `${flags}-`, width: -width } : { flags, width }
      return formattedTop(verb, values[next++], { ...left, precision })
    },
  )
  if (reordered || next >= values.length) return out
  const extra = values
    .slice(next)
    .map((one) => (typeName(one) === '<nil>' ? '<nil>' : `${typeName(one)}=${valueText(one)}`))
  return `${out}%!(EXTRA ${extra.join(', ')})`
}
