// SPDX-License-Identifier: Apache-2.0
// --since and --until, in nanoseconds: what `logs -t` prints can be given back and means that line. Pure.

import { DockError } from '../error.ts'
import { durationOf } from './options/sizes.ts'

/** Nanoseconds since 1970. */
export type Moment = bigint

const MILLION = 1_000_000n

export const momentNow = (): Moment => BigInt(Date.now()) * MILLION

/** Billionths of a fraction's digits. */
const fractionOf = (digits: string): bigint => BigInt(digits.padEnd(9, '0').slice(0, 9))

// Parts may be missing from the end, as docker has it; without a zone the time is that of this place.
const calendar = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?)?(Z|[+-]\d{2}:\d{2})?$/

/** A time by RFC 3339, or one that is less exact; undefined: it is none. */
export function parseTime(text: string): Moment | undefined {
  const [, day, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = calendar.exec(text) ?? []
  if (day === undefined) return undefined
  const time = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`)
  return Number.isNaN(time) ? undefined : BigInt(time) * MILLION + fractionOf(fraction)
}

/**
 * A time (RFC 3339, or seconds since 1970 with fractions), or a length of time before now (`10m`; `-10m`: after it).
 * Errors: DockError.
 */
export function parseMoment(text: string, flag: string, now: Moment): Moment {
  const [, seconds, fraction = ''] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (seconds !== undefined) return BigInt(seconds) * 1000n * MILLION + fractionOf(fraction)
  const isAhead = text.startsWith('-')
  const length = durationOf(isAhead ? text.slice(1) : text)
  const moment = length === undefined ? parseTime(text) : now - BigInt(isAhead ? -length : length)
  if (moment !== undefined) return moment
  throw new DockError(`invalid value for "${flag}": "${text}": it is a time (RFC 3339, or seconds) or a duration: 10m`)
}
