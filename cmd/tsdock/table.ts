// SPDX-License-Identifier: Apache-2.0

/** A column has at least this width, as docker's have. */
const NARROWEST = 10

/** Columns under headings, three blanks apart. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(NARROWEST, ...rows.map((row) => [...(row[i] ?? '')].length + 3)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - [...cell].length)))
        .join(''),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

/** 1536 -> `1.54kB`: four digits at most, decimal units, as docker writes sizes. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes, 0]
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toPrecision(3))}${units[unit]}`
}

/** 1536 -> `1.5KiB` */
export function binarySizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let [value, unit] = [bytes, 0]
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`
}

/** A length of time: `3 minutes`, `About an hour`. */
export function ageWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const steps: readonly (readonly [limit: number, unit: number, name: string])[] = [
    [60, 1, 'second'],
    [3600, 60, 'minute'],
    [48 * 3600, 3600, 'hour'],
    [14 * 86400, 86400, 'day'],
    [60 * 86400, 7 * 86400, 'week'],
    [730 * 86400, 30 * 86400, 'month'],
  ]
  if (seconds < 1) return 'Less than a second'
  const [, unit, name] = steps.find(([limit]) => seconds < limit) ?? [0, 365 * 86400, 'year']
  const count = Math.floor(seconds / unit)
  if (count === 1 && name === 'minute') return 'About a minute'
  if (count === 1 && name === 'hour') return 'About an hour'
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** How long ago: `3 minutes ago`. */
export const ageText = (milliseconds: number): string => `${ageWords(milliseconds)} ago`
