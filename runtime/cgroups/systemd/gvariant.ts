// SPDX-License-Identifier: Apache-2.0
// The text form of GVariant values, as far as properties of units need it. By hand: the only libraries that read it are
// GLib and its bindings.

/** A value with its signature of D-Bus; `values` as in UnitProperty. */
export interface Variant {
  readonly type: string
  readonly values: readonly string[]
}

type Token = { readonly kind: 'word' | 'number' | 'text' | 'sign' | 'type'; readonly text: string }

const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)/y],
  ['word', /[a-z][a-z0-9]*/y],
  ['text', /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/y],
  ['type', /@[a-z()]+/y],
  ['sign', /[[\](),]/y],
]

const keywords: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
}

const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  y: [0n, 255n],
  n: [-(2n ** 15n), 2n ** 15n - 1n],
  q: [0n, 2n ** 16n - 1n],
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at++
      continue
    }
    const found = patterns.find(([, pattern]) => {
      pattern.lastIndex = at
      return pattern.test(text)
    })
    if (found === undefined) throw new Error(`cannot be read from ${JSON.stringify(text.slice(at, at + 20))} on`)
    const [kind, pattern] = found
    tokens.push({ kind, text: text.slice(at, pattern.lastIndex) })
    at = pattern.lastIndex
  }
  return tokens
}

/** One complete type at the start of a signature, and what follows. */
function splitType(signature: string): readonly [type: string, rest: string] {
  const [first = ''] = signature
  if (first === 'a') {
    const [type, rest] = splitType(signature.slice(1))
    return [`a${type}`, rest]
  }
  if (first !== '(') {
    if (!Object.values(keywords).includes(first)) throw new Error(`the type "${first}" is not supported`)
    return [first, signature.slice(1)]
  }
  let rest = signature.slice(1)
  let members = ''
  while (rest !== '' && !rest.startsWith(')')) {
    const [type, left] = splitType(rest)
    members += type
    rest = left
  }
  if (rest === '' || members === '') throw new Error(`the type "${signature}" is not complete`)
  return [`(${members})`, rest.slice(1)]
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }

function unquote(text: string): string {
  const plain = text
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g, (_, short: string, long: string, letter: string) =>
      letter === undefined ? String.fromCodePoint(Number.parseInt(short ?? long, 16)) : (escapes[letter] ?? letter),
    )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\x00-\x1f\x7f]/.test(plain)) throw new Error('a text with control characters is not supported')
  return plain
}

class Parser {
  readonly #tokens: Token[]

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): Variant {
    const value = this.#value(undefined)
    const [left] = this.#tokens
    if (left !== undefined) throw new Error(`${JSON.stringify(left.text)} is left over`)
    return value
  }

  #take(): Token {
    const token = this.#tokens.shift()
    if (token === undefined) throw new Error('ends too early')
    return token
  }

  #skip(sign: string): boolean {
    if (this.#tokens[0]?.text !== sign || this.#tokens[0].kind !== 'sign') return false
    this.#tokens.shift()
    return true
  }

  /** `type`: what it has to be, when that is known. */
  #value(type: string | undefined): Variant {
    const token = this.#take()
    if (token.kind === 'type') {
      const [told, rest] = splitType(token.text.slice(1))
      if (rest !== '') throw new Error(`the type "${token.text}" has more than one value`)
      return this.#value(told)
    }
    if (token.kind === 'sign' && token.text === '[') return this.#array(type)
    if (token.kind === 'sign' && token.text === '(') return this.#tuple(type)
    if (token.kind === 'word' && Object.hasOwn(keywords, token.text)) return this.#value(keywords[token.text])
    return scalar(token, type)
  }

  #array(type: string | undefined): Variant {
    if (type !== undefined && !type.startsWith('a')) throw new Error(`an array is not of the type "${type}"`)
    let element = type?.slice(1)
    const items: Variant[] = []
    while (!this.#skip(']')) {
      if (items.length > 0 && !this.#skip(',')) throw new Error('a comma is missing in an array')
      const item = this.#value(element)
      if (element !== undefined && item.type !== element) throw new Error('the items of an array have different types')
      element = item.type
      items.push(item)
    }
    if (element === undefined) throw new Error('an empty array needs its type, as in @as []')
    return { type: `a${element}`, values: [String(items.length), ...items.flatMap(({ values }) => values)] }
  }

  #tuple(type: string | undefined): Variant {
    if (type !== undefined && !type.startsWith('(')) throw new Error(`a tuple is not of the type "${type}"`)
    let rest = type?.slice(1, -1)
    const items: Variant[] = []
    while (!this.#skip(')')) {
      if (items.length > 0 && !this.#skip(',')) throw new Error('a comma is missing in a tuple')
      if (items.length > 0 && this.#skip(')')) break
      let member: string | undefined
      if (rest !== undefined) [member, rest] = splitType(rest)
      items.push(this.#value(member))
    }
    const found = `(${items.map((item) => item.type).join('')})`
    if (items.length === 0 || (type !== undefined && found !== type))
      throw new Error(`a tuple is not of the type "${type ?? '()'}"`)
    return { type: found, values: items.flatMap(({ values }) => values) }
  }
}

function scalar({ kind, text }: Token, type: string | undefined): Variant {
  if (kind === 'text') {
    if (type !== undefined && !'sog'.includes(type)) throw new Error(`${text} is not of the type "${type}"`)
    return { type: type ?? 's', values: [unquote(text)] }
  }
  if (kind === 'word' && (text === 'true' || text === 'false')) {
    if (type !== undefined && type !== 'b') throw new Error(`${text} is not of the type "${type}"`)
    return { type: 'b', values: [text] }
  }
  if (kind !== 'number') throw new Error(`${JSON.stringify(text)} is no value (a text has to be in quotes)`)
  return number(text, type)
}

function number(text: string, told: string | undefined): Variant {
  const whole = /^[+-]?(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text)
  const type = told ?? (whole ? 'i' : 'd')
  if (type === 'd') return { type, values: [String(Number(text))] }
  const range = ranges[type]
  if (range === undefined || !whole) throw new Error(`${text} is not of the type "${type}"`)
  // A leading zero is octal, as in C.
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/.exec(text) ?? []
  if (/^0\d/.test(digits) && !/^0[0-7]+$/.test(digits)) throw new Error(`${text} is no octal number`)
  const value = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits) * (sign === '-' ? -1n : 1n)
  if (value < range[0] || value > range[1]) throw new Error(`${text} does not fit into the type "${type}"`)
  return { type, values: [String(value)] }
}

/** Reads one value, strictly: all of the text. Errors: Error, without saying where the text comes from. */
export function parseVariant(text: string): Variant {
  return new Parser(text).parse()
}
