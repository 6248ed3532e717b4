// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import { pointerTo } from '../../../spec/pointer.ts'
import { parseVariant, type Variant } from './gvariant.ts'
import type { UnitProperty } from './property.ts'

/** What the annotations begin with whose values become properties of the unit. */
export const PROPERTY_PREFIX = 'org.systemd.property.'
const MICROSECONDS = 1_000_000

/**
 * Annotations `org.systemd.property.NAME` with a value in the text form of GVariant, as all runtimes take them. A NAME that
 * ends in Sec, as in unit files, stands for the property of D-Bus that counts microseconds. Errors: invalid-config.
 */
export function annotationProperties(annotations: Readonly<Record<string, string>> | undefined): UnitProperty[] {
  const properties: UnitProperty[] = []
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(PROPERTY_PREFIX)) continue
    const name = key.slice(PROPERTY_PREFIX.length)
    const refuse = (what: string) =>
      new TsrunError('invalid-config', `annotations[${JSON.stringify(key)}]: ${what}`, {
        pointer: pointerTo('/annotations', key),
      })
    if (!/^[A-Za-z]{3,}$/.test(name)) throw refuse(`${JSON.stringify(name)} is not the name of a property`)
    let value: Variant
    try {
      value = parseVariant(text)
    } catch (e: unknown) {
      throw refuse(`${JSON.stringify(text)}: ${e instanceof Error ? e.message : String(e)}`)
    }
    if (!/[a-z]Sec$/.test(name)) {
      properties.push({ name, ...value })
      continue
    }
    const seconds = Number(value.values[0])
    if (!/^[nqiuxtd]$/.test(value.type) || !(seconds >= 0)) {
      throw refuse(`${JSON.stringify(text)} is not a number of seconds`)
    }
    const microseconds = /^d$/.test(value.type)
      ? String(Math.round(seconds * MICROSECONDS))
      : String(BigInt(value.values[0] ?? 0) * BigInt(MICROSECONDS))
    properties.push({ name: name.replace(/Sec$/, 'USec'), type: 't', values: [microseconds] })
  }
  return properties
}
