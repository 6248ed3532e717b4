// SPDX-License-Identifier: Apache-2.0
// What Go knows of values of JSON. Pure.

/** The name of its type. */
export function goType(value: unknown): string {
  if (value === undefined || value === null) return 'nil'
  if (Array.isArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}'
    case 'bigint':
      return 'int'
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float64'
    case 'boolean':
      return 'bool'
    default:
      return typeof value
  }
}

/** Maps are printed and ranged over in the order of the bytes of their keys. */
export const compareKeys = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Bytes of a string, as Go counts and cuts them. A character that is cut in two is shown as a replacement. */
export const cutBytes = (text: string, from: number, to: number): string =>
  Buffer.from(text).subarray(from, to).toString()
