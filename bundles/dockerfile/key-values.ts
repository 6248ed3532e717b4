// SPDX-License-Identifier: Apache-2.0
import { Problem } from './located-error.ts'
import type { Escape } from './source.ts'
import { cutBlank, isSpaceAt } from './space.ts'

export interface KeyValue {
  readonly key: string
  /** With its quotes and escapes, which are taken off when variables are put in. */
  readonly value: string
  /** Written `KEY value`, without the equals sign. */
  readonly legacy: boolean
}

/** Words that white space separates, unless it is quoted or escaped. They keep their quotes and escapes. */
export function splitQuotedWords(text: string, escapeChar: Escape): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote === '' && isSpaceAt(text, at)) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    word ??= ''
    if (char === escapeChar && quote !== "'") {
      // An escape at the very end escapes nothing.
      if (at + 1 === text.length) break
      at++
      word += char + text.charAt(at)
      continue
    }
    if (quote === '' && (char === '"' || char === "'")) quote = char
    else if (char === quote) quote = ''
    word += char
  }
  if (word !== undefined && word !== '') words.push(word)
  return words
}

/** The pairs of ENV and LABEL: `key=value ...`, or one `key value`. No pairs for no text. */
export function parseKeyValues(text: string, keyword: string, escapeChar: Escape): readonly KeyValue[] {
  const words = splitQuotedWords(text, escapeChar)
  const first = words[0]
  if (first === undefined) return []
  if (!first.includes('=')) {
    const [key, value] = cutBlank(text)
    if (value === undefined) {
      throw new Problem(`${keyword}: ${first} has no value`, { at: first, expected: `${keyword} ${first}=VALUE` })
    }
    return [{ key, value, legacy: true }]
  }
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 0) throw new Problem(`${keyword}: no = in ${word}`, { at: word, expected: 'KEY=VALUE' })
    if (equals === 0) throw new Problem(`${keyword}: no name before =`, { at: word, expected: 'KEY=VALUE' })
    return { key: word.slice(0, equals), value: word.slice(equals + 1), legacy: false }
  })
}
