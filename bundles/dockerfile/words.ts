// SPDX-License-Identifier: Apache-2.0
// Quotes, escapes and variables, as BuildKit's frontend has them: close to sh, but for what a Dockerfile cannot have.

import { Problem } from './located-error.ts'
import { removePrefix, removeSuffix, replacePattern } from './shell-pattern.ts'
import type { Escape } from './source.ts'
import { isSpaceAt } from './space.ts'

/** The value of a variable; undefined for one that is not set. */
export type Lookup = (name: string) => string | undefined

export interface WordOptions {
  readonly escape: Escape
  /** Quotes stay in the result. */
  readonly keepQuotes?: boolean | undefined
  /** Escapes stay in the result. */
  readonly keepEscapes?: boolean | undefined
  /** Variables that are not set stay as they are written. */
  readonly keepUnset?: boolean | undefined
  /** Quotes are characters like others: in the text of a heredoc. */
  readonly plainQuotes?: boolean | undefined
}

export interface ExpandedText {
  readonly text: string
  /** The text, split at white space that is neither quoted nor escaped, also at that of values outside quotes. */
  readonly words: readonly string[]
  /** Variables that were asked for, and are set. */
  readonly used: ReadonlySet<string>
  /** Variables that were asked for, and are not set. */
  readonly unset: ReadonlySet<string>
}

/** ${a:-${b:-...}}: more than anyone writes, and less than what overflows the stack. */
const DEEPEST = 64
/** A value that grows beyond is no value but a bomb: `ENV a=$a$a$a` on each of many lines. */
const LONGEST = 2 * 1024 * 1024
/** Characters of values that one text may look at. */
const MOST_WORK = 4 * LONGEST

interface Piece {
  readonly text: string
  readonly words: readonly string[]
}

/** Collects words: raw text always belongs to the word, other text is split. */
class Splitter {
  readonly words: string[] = []
  #word = ''

  raw(text: string): void {
    this.#word += text
  }

  split(text: string): void {
    let start = 0
    for (let at = 0; at < text.length; at++) {
      if (!isSpaceAt(text, at)) continue
      this.#word += text.slice(start, at)
      this.end()
      start = at + 1
    }
    this.#word += start === 0 ? text : text.slice(start)
  }

  end(): void {
    if (this.#word !== '') this.words.push(this.#word)
    this.#word = ''
  }
}

const isDigit = (char: string): boolean => (char >= '0' && char <= '9') || (char > '\x7f' && /\p{Nd}/u.test(char))
const isNameChar = (char: string): boolean => (char <= '\x7f' ? /\w/.test(char) : /[\p{L}\p{Nd}]/u.test(char))
const SPECIAL = '@*#?-$!0'

class Expander {
  readonly used = new Set<string>()
  readonly unset = new Set<string>()
  readonly #source: string
  readonly #lookup: Lookup
  readonly #options: WordOptions
  #keepEscapes: boolean
  #at = 0
  #depth = 0
  #work = 0

  constructor(source: string, lookup: Lookup, options: WordOptions) {
    this.#source = source
    this.#lookup = lookup
    this.#options = options
    this.#keepEscapes = options.keepEscapes === true
  }

  get #next(): string {
    return this.#source.charAt(this.#at)
  }

  get #atEnd(): boolean {
    return this.#at >= this.#source.length
  }

  #take(): string {
    const char = this.#source.charAt(this.#at)
    this.#at++
    return char
  }

  #fail(message: string, expected?: string): never {
    throw new Problem(message, { at: this.#source, expected })
  }

  /** Reads up to a character, which is taken as well, or to the end if there is none. */
  read(stop: string | undefined, keepEscapes: boolean): Piece {
    if (++this.#depth > DEEPEST) this.#fail(`variables stand more than ${DEEPEST} deep in each other`)
    const outer = this.#keepEscapes
    this.#keepEscapes = keepEscapes
    let text = ''
    const splitter = new Splitter()
    while (!this.#atEnd && this.#next !== stop) {
      const char = this.#next
      const quotes = this.#options.plainQuotes !== true
      if (char === '$') {
        const value = this.#dollar()
        text += value
        splitter.split(value)
      } else if (quotes && (char === "'" || char === '"')) {
        const value = char === "'" ? this.#singleQuoted() : this.#doubleQuoted()
        text += value
        splitter.raw(value)
      } else if (char === '<') {
        const value = this.#lessThan()
        text += value
        splitter.raw(value)
      } else if (char === this.#options.escape) {
        const value = this.#escaped()
        text += value
        splitter.raw(value)
      } else {
        this.#at++
        text += char
        splitter.split(char)
      }
      if (text.length > LONGEST) this.#fail(`a value has more than ${LONGEST} characters`)
    }
    if (stop !== undefined && this.#take() !== stop) this.#fail(`no closing ${stop} after \${`, stop)
    this.#keepEscapes = outer
    this.#depth--
    splitter.end()
    return { text, words: splitter.words }
  }

  #escaped(): string {
    const escapeChar = this.#take()
    const kept = this.#keepEscapes ? escapeChar : ''
    return this.#atEnd ? kept : kept + this.#take()
  }

  /** `<<` and the blanks behind it stay together: they begin a heredoc. */
  #lessThan(): string {
    const start = this.#at
    this.#at++
    if (this.#next === '<') {
      this.#at++
      while (!this.#atEnd && ' \t\r'.includes(this.#next)) this.#at++
    }
    return this.#source.slice(start, this.#at)
  }

  #singleQuoted(): string {
    const start = this.#at
    const end = this.#source.indexOf("'", start + 1)
    if (end < 0) this.#fail("no closing ' for a quote", "'")
    this.#at = end + 1
    return this.#options.keepQuotes === true ? this.#source.slice(start, end + 1) : this.#source.slice(start + 1, end)
  }

  #doubleQuoted(): string {
    const escapeChar = this.#options.escape
    const quote = this.#options.keepQuotes === true ? '"' : ''
    let text = quote
    this.#at++
    for (;;) {
      if (this.#atEnd) this.#fail('no closing " for a quote', '"')
      const char = this.#next
      if (char === '$') text += this.#dollar()
      else if (char === '"') {
        this.#at++
        return text + quote
      } else if (char === escapeChar) {
        this.#at++
        // The escape of anything else stays, like that of sh.
        const escapes = !this.#atEnd && (this.#next === '"' || this.#next === '$' || this.#next === escapeChar)
        if (this.#keepEscapes || !(escapes || this.#atEnd)) text += escapeChar
        if (escapes) text += this.#take()
      } else {
        this.#at++
        text += char
      }
      if (text.length > LONGEST) this.#fail(`a value has more than ${LONGEST} characters`)
    }
  }

  #value(name: string): string | undefined {
    const value = this.#lookup(name)
    if (value === undefined) this.unset.add(name)
    else this.used.add(name)
    this.#spend(value?.length ?? 0)
    return value
  }

  /** Patterns cost more: all of them may look at each character. */
  #spend(characters: number): void {
    this.#work += characters
    if (this.#work > MOST_WORK) this.#fail(`the values of a text have more than ${MOST_WORK} characters`)
  }

  /** A name, the number of an argument, or the sign of a special parameter; empty if there is none. */
  #name(): string {
    const start = this.#at
    const first = this.#next
    if (isDigit(first)) {
      while (!this.#atEnd && isDigit(this.#next)) this.#at++
    } else if (first !== '' && SPECIAL.includes(first)) this.#at++
    else {
      while (!this.#atEnd) {
        const char = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0)
        if (!isNameChar(char)) break
        this.#at += char.length
      }
    }
    return this.#source.slice(start, this.#at)
  }

  #dollar(): string {
    this.#at++
    if (this.#next !== '{') {
      const name = this.#name()
      if (name === '') return '$'
      return this.#value(name) ?? (this.#options.keepUnset === true ? `$${name}` : '')
    }
    this.#at++
    if (this.#atEnd) this.#fail('no closing } after ${', '}')
    if ('{}:'.includes(this.#next)) this.#fail('bad substitution', '${NAME}')
    const name = this.#name()
    const modifier = this.#take()
    if (modifier === '}') return this.#value(name) ?? (this.#options.keepUnset === true ? `\${${name}}` : '')
    if (modifier === '') this.#fail('no closing } after ${', '}')
    if (name === '') this.#fail('bad substitution', '${NAME}')
    if (modifier === '/') return this.#replace(name)
    if (modifier !== ':') return this.#modified(name, modifier, false)
    return this.#modified(name, this.#take(), true)
  }

  #modified(name: string, modifier: string, emptyIsUnset: boolean): string {
    const sign = emptyIsUnset ? `:${modifier}` : modifier
    const removes = modifier === '#' || modifier === '%'
    const known = modifier !== '' && (emptyIsUnset ? '-+?' : '-+?#%').includes(modifier)
    if (!known && !(emptyIsUnset && this.#options.keepUnset === true && !removes)) {
      this.#fail(`\${${name}${sign}...}: unknown modifier ${sign}`, ':-, :+, :?, -, +, ?, #, ##, %, %%, / or //')
    }
    const word = this.read('}', removes).text
    const value = this.#value(name)
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}${sign}${word}}`
    const isSet = value !== undefined && !(emptyIsUnset && value === '')
    if (modifier === '-') return isSet ? value : word
    if (modifier === '+') return isSet ? word : ''
    if (modifier === '?') {
      if (isSet) return value
      const why = value === undefined ? 'is not set' : 'is empty'
      throw new Problem(`${name}: ${word === '' ? why : word}`, { at: this.#source })
    }
    const longest = word.startsWith(modifier)
    const pattern = longest ? word.slice(1) : word
    this.#spend((value?.length ?? 0) * (8 + pattern.length))
    if (modifier === '#') return removePrefix(value ?? '', pattern, longest)
    if (modifier === '%') return removeSuffix(value ?? '', pattern, longest)
    return this.#fail(`\${${name}${sign}...}: unknown modifier ${sign}`)
  }

  #replace(name: string): string {
    const all = this.#next === '/'
    if (all) this.#at++
    const pattern = this.read('/', true).text
    const replacement = this.read('}', true).text
    const value = this.#value(name)
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}/${pattern}/${replacement}}`
    this.#spend((value?.length ?? 0) * (16 + 2 * pattern.length))
    return replacePattern(value ?? '', pattern, replacement, all)
  }
}

/** Puts variables in, and takes quotes and escapes off. Errors: Problem. */
export function expandWords(source: string, lookup: Lookup, options: WordOptions): ExpandedText {
  const expander = new Expander(source, lookup, options)
  const { text, words } = expander.read(undefined, options.keepEscapes === true)
  return { text, words, used: expander.used, unset: expander.unset }
}
