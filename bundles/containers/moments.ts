// SPDX-License-Identifier: Apache-2.0
// --since and --until. Pure.

import { DockError } from '../error.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * Milliseconds since 1970 of a time (RFC 3339, or seconds since 1970 with fractions) or of a length of time before now (`10m`,
 * `1h30m`). Errors: DockError.
 */
export function parseMoment(text: string, flag: string, now: number): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length > 0 && parts.map(([whole]) => whole).join('') === text) {
    return now - parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0)
  }
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  // A date alone is that of this place, as docker has it.
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text)
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(time)) {
    throw new DockError(
      `invalid value for "${flag}": "${text}": it is a time (RFC 3339, or seconds) or a duration: 10m`,
    )
  }
  return time
}
