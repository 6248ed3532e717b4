// SPDX-License-Identifier: Apache-2.0
// Flags stand between the keyword and the arguments of any instruction: COPY --link --chown=1:1 a b.

import { Problem } from './located-error.ts'
import type { Escape } from './source.ts'
import { isSpaceAt } from './space.ts'
import { suggest } from './suggest.ts'

export interface SplitFlags {
  /** With their dashes; quotes and escapes are gone. */
  readonly flags: readonly string[]
  readonly rest: string
}

/** One flag from its first dash on, and where it ends. */
function readFlag(
  text: string,
  start: number,
  escapeChar: Escape,
): readonly [flag: string, end: number, quoted: boolean] {
  let flag = ''
  let quote = ''
  let quoted = false
  let at = start
  for (; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote === '' && isSpaceAt(text, at)) break
    if (quote === '' && (char === '"' || char === "'")) {
      quote = char
      quoted = true
    } else if (char === quote) quote = ''
    else if (char === escapeChar) {
      at++
      flag += text.charAt(at)
    } else flag += char
  }
  return [flag, Math.min(at, text.length), quoted]
}

/** Takes the flags off the arguments. A lone `--` ends them. */
export function splitFlags(text: string, escapeChar: Escape): SplitFlags {
  const flags: string[] = []
  let at = 0
  for (;;) {
    while (isSpaceAt(text, at)) at++
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at) }
    const [flag, end, quoted] = readFlag(text, at, escapeChar)
    at = end
    if (flag === '--') return { flags, rest: text.slice(at) }
    if (quoted || flag !== '') flags.push(flag)
  }
}

export type FlagKind = 'boolean' | 'string' | 'list'

interface FlagValue {
  readonly boolean: boolean | undefined
  readonly string: string | undefined
  readonly list: readonly string[]
}

/** Name without dashes -> value. */
export type Flags<S extends Readonly<Record<string, FlagKind>>> = { readonly [K in keyof S]: FlagValue[S[K]] }

function booleanOf(flag: string, value: string | undefined): boolean {
  if (value === undefined) return true
  const word = value.toLowerCase()
  if (word !== 'true' && word !== 'false') {
    throw new Problem(`${flag}: "${value}" is no boolean`, {
      at: value === '' ? flag : value,
      expected: 'true or false',
    })
  }
  return word === 'true'
}

/** Reads the flags that an instruction has. Errors: unknown ones, double ones, those without their value. */
export function parseFlags<S extends Readonly<Record<string, FlagKind>>>(given: readonly string[], spec: S): Flags<S> {
  const values: Record<string, boolean | string | readonly string[] | undefined> = {}
  const lists: Record<string, string[]> = {}
  for (const [name, kind] of Object.entries(spec)) {
    if (kind === 'list') lists[name] = []
    values[name] = lists[name]
  }
  for (const text of given) {
    const equals = text.indexOf('=')
    const flag = equals < 0 ? text : text.slice(0, equals)
    const name = flag.slice(2)
    const value = equals < 0 ? undefined : text.slice(equals + 1)
    const kind = Object.hasOwn(spec, name) ? spec[name] : undefined
    if (kind === undefined) {
      const meant = suggest(name, Object.keys(spec))
      throw new Problem(`unknown flag ${flag}`, { at: flag, meant: meant === undefined ? undefined : `--${meant}` })
    }
    if (kind === 'list') {
      if (value === undefined) throw new Problem(`${flag}: no value`, { at: flag, expected: `${flag}=VALUE` })
      lists[name]?.push(value)
      continue
    }
    if (values[name] !== undefined) throw new Problem(`${flag} is given twice`, { at: flag })
    if (kind === 'boolean') values[name] = booleanOf(flag, value)
    else if (value === undefined) throw new Problem(`${flag}: no value`, { at: flag, expected: `${flag}=VALUE` })
    else values[name] = value
  }
  return values as Flags<S>
}
