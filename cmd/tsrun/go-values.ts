// SPDX-License-Identifier: Apache-2.0
// Values in the notations that container tools in Go take.

const units = ['', 'k', 'm', 'g', 't', 'p']

/** Bytes of a size such as 64m, 1.5g, 1GiB or 1000; units are powers of 1024. Undefined for a text that is none. */
export function parseSize(text: string): number | undefined {
  const [, number = '', unit = ''] = /^\+?(\d+\.?\d*|\.\d+) ?(?:b|([kmgtp])(?:i?b)?)?$/i.exec(text) ?? []
  if (number === '') return undefined
  return Math.floor(Number(number) * 1024 ** units.indexOf(unit.toLowerCase()))
}

/** Nanoseconds of each unit. */
const durationUnits: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  'µs': 1e3,
  'μs': 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Milliseconds of a duration such as 5s, 1m30s, 1.5h or 0. Undefined for a text that is none. */
export function parseDuration(text: string): number | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  if (rest === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined
  let sum = 0
  for (const [, number, unit = ''] of rest.matchAll(/([\d.]+)([^\d.]+)/g)) {
    sum += Number(number) * (durationUnits[unit] ?? 0)
  }
  return (sign === '-' ? -sum : sum) / 1e6
}
