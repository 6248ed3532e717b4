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
 * A field that is there under its right name as well stays as it is. Returns what is to be told, a line per field.
 */
export function correctFieldNames(document: unknown, base: DocumentBase): readonly string[] {
  let names: FieldNames | 1 | undefined = CONFIG_NAMES as FieldNames
  for (const key of pointerKeys(base)) names = typeof names === 'object' ? names[key] : undefined
  const told: string[] = []
  if (typeof names === 'object') correct(document, names, '', told)
  return told
}

function correct(value: unknown, names: FieldNames, pointer: string, told: string[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) correct(value[i], names, `${pointer}/${i}`, told)
    return
  }
  const fields = value as Record<string, unknown>
  for (const key of Object.keys(fields)) {
    const name = names[key] === undefined ? rename(fields, key, names, pointer, told) : key
    const inner = names[name]
    if (typeof inner === 'object') correct(fields[name], inner, pointerTo(pointer, name), told)
  }
}

/** Returns the name that the field has then. */
function rename(
  fields: Record<string, unknown>,
  key: string,
  names: FieldNames,
  pointer: string,
  told: string[],
): string {
  const lower = key.toLowerCase()
  const name = Object.keys(names).find((one) => one.toLowerCase() === lower)
  if (name === undefined) return key
  const label = pointerLabel(pointerTo(pointer, key))
  if (Object.hasOwn(fields, name)) {
    told.push(`${label}: it is ignored, as ${name} is there as well`)
    return key
  }
  told.push(`${label}: it is taken as ${name}, as the specification spells it`)
  fields[name] = fields[key]
  const exact = notedInteger(fields, key)
  if (exact !== undefined) noteExactInteger(fields, name, exact)
  delete fields[key]
  return name
}
