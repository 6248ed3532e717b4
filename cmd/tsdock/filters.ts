// SPDX-License-Identifier: Apache-2.0
// `--filter KEY=VALUE`, as docker has it.

import { DockError } from '../../bundles/error.ts'

export type FilterTest<T> = (item: T, value: string) => boolean

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds since 1970: of a time, or a length of time before now: `24h`, `1h30m`. Errors: DockError. */
export function momentOf(text: string, now = Date.now()): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    return parts.reduce((moment, [, number, unit]) => moment - Number(number) * (units[unit ?? 's'] ?? 0), now)
  }
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(time))
    throw new DockError(`invalid filter 'until=${text}': it is neither a time nor a length of time`)
  return time
}

export const isTrue = (name: string, value: string): boolean => {
  if (/^(1|true)$/.test(value)) return true
  if (/^(0|false)$/.test(value)) return false
  throw new DockError(`invalid filter '${name}=${value}'`)
}

/** Whether a text is, or contains, or matches what a filter says. */
export function matchesName(text: string, pattern: string): boolean {
  if (text.includes(pattern)) return true
  try {
    return new RegExp(pattern, 'u').test(text)
  } catch {
    return false
  }
}

/**
 * What all filters allow: of those with one name, one is enough, but each label is a condition of its own.
 * Errors: DockError, for one that there is not.
 */
export function compileFilters<T>(
  filters: readonly string[],
  tests: Readonly<Record<string, FilterTest<T>>>,
): (item: T) => boolean {
  const groups = new Map<string, string[]>()
  for (const filter of filters) {
    const at = filter.indexOf('=')
    if (at < 0)
      throw new DockError(
        `invalid argument "${filter}" for "--filter" flag: invalid filter format, must be "KEY=VALUE"`,
        { exitCode: 125 },
      )
    // `label!=x` is the key `label!`.
    const key = filter.slice(0, at).trim().toLowerCase()
    if (!Object.hasOwn(tests, key)) throw new DockError(`invalid filter '${key}'`)
    groups.set(key, [...(groups.get(key) ?? []), filter.slice(at + 1)])
  }
  return (item) =>
    [...groups].every(([key, values]) => {
      const passes = (value: string): boolean => tests[key]?.(item, value) === true
      return key.startsWith('label') ? values.every(passes) : values.some(passes)
    })
}
