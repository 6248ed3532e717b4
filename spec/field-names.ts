// SPDX-License-Identifier: Apache-2.0
import { CONFIG_NAMES } from './generated/field-names.ts'
import { noteExactInteger, notedInteger } from './exact-integer.ts'
import { pointerKeys, pointerLabel, pointerTo } from './pointer.ts'

/** The names that the specification has for the fields of an object, and what those hold. 1: nothing with names of its own. */
export interface FieldNames {
  readonly [name: string]: FieldNames | 1
}

/** Where a document stands in config.json: '' (it is one), '/process' or '/linux/resources'. */
export type DocumentBase = '' | '/process' | '/linux/resources'

/**
 * Fields whose names differ from the specification's in upper and lower case alone get the right one, in place: programs
 * in Go, and so the other runtimes, do not mind the case, and `"readOnly": true` passed over would leave a root writable.
 * Of several that mean the same, a later one lies over those before it, as there. Returns what is to be told, a line per field.
 */
export function correctFieldNames(document: unknown, base: DocumentBase): readonly string[] {
  let names: FieldNames | 1 | undefined = CONFIG_NAMES as FieldNames
  for (const key of pointerKeys(base)) names = typeof names === 'object' ? names[key] : undefined
  const told: string[] = []
  if (typeof names === 'object') correct(document, names, '', told)
  return told
}

function correct(value: unknown, names: FieldNames, pointer: string, told: string[]): void {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) correct(value[i], names, `${pointer}/${i}`, told)
    return
  }
  if (!isObject(value)) return
  const keys = Object.keys(value)
  for (const key of keys) if (names[key] === undefined) rename(value, key, keys, names, pointer, told)
  for (const key of Object.keys(value)) {
    const inner = names[key]
    if (typeof inner === 'object') correct(value[key], inner, pointerTo(pointer, key), told)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** keys: those that the object had at first, in the order of the document. */
function rename(
  fields: Record<string, unknown>,
  key: string,
  keys: readonly string[],
  names: FieldNames,
  pointer: string,
  told: string[],
): void {
  const lower = key.toLowerCase()
  const name = Object.keys(names).find((one) => one.toLowerCase() === lower)
  if (name === undefined) return
  const label = pointerLabel(pointerTo(pointer, key))
  const isDouble = Object.hasOwn(fields, name)
  told.push(
    `${label}: it is taken as ${name}, as the specification spells it${isDouble ? ', which is there as well' : ''}`,
  )
  // Those that were renamed before stand before it in the document.
  const isBehind = keys.indexOf(name) > keys.indexOf(key)
  const [under, over] = isBehind ? [key, name] : [name, key]
  if (!isDouble) move(fields, key, fields, name)
  else if (isObject(fields[under]) && isObject(fields[over])) fields[name] = laidOver(fields[under], fields[over])
  else if (over === key) move(fields, key, fields, name)
  delete fields[key]
}

function laidOver(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  for (const key of Object.keys(over)) {
    const [old, fresh] = [under[key], over[key]]
    if (isObject(old) && isObject(fresh)) under[key] = laidOver(old, fresh)
    else move(over, key, under, key)
  }
  return under
}

function move(from: Record<string, unknown>, key: string, to: Record<string, unknown>, name: string): void {
  to[name] = from[key]
  const exact = notedInteger(from, key)
  if (exact !== undefined) noteExactInteger(to, name, exact)
}
