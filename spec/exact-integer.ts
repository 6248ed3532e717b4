// SPDX-License-Identifier: Apache-2.0

/** Whole numbers that a double cannot hold, by the object they stand in: whoever parses notes them. */
const exact = new WeakMap<object, Map<string, bigint>>()

/** Notes what a number of a parsed document really is, beside the double that stands there. */
export function noteExactInteger(holder: object, key: string, value: bigint): void {
  const known = exact.get(holder)
  if (known === undefined) exact.set(holder, new Map([[key, value]]))
  else known.set(key, value)
}

/** What is noted of a number, if anything. */
export const notedInteger = (holder: object, key: string): bigint | undefined => exact.get(holder)?.get(key)

/** Lets a copy keep what is noted of the original. */
export function withExactIntegers<T extends object>(copy: T, original: object): T {
  const known = exact.get(original)
  if (known !== undefined) exact.set(copy, known)
  return copy
}

/** A whole number of a document, with all of its digits. An absent one is 0. */
export function exactInteger<T extends object>(holder: T, key: keyof T & string): bigint {
  const value = holder[key] as unknown
  if (typeof value !== 'number') return 0n
  if (Number.isSafeInteger(value)) return BigInt(value)
  return notedInteger(holder, key) ?? BigInt(Math.trunc(value))
}
