// SPDX-License-Identifier: Apache-2.0

/** A property of a unit, as it goes to systemd over D-Bus. */
export interface UnitProperty {
  readonly name: string
  /** Signature of D-Bus. */
  readonly type: string
  /** Basic values in the order of the signature; an array starts with the number of its items. */
  readonly values: readonly string[]
  /** The version of systemd that brought it: older ones are not asked for it. */
  readonly since?: number | undefined
}

/** What systemd takes for no limit. */
export const INFINITY: string = String(2n ** 64n - 1n)

export function textProperty(name: string, value: string): UnitProperty {
  return { name, type: 's', values: [value] }
}

export function booleanProperty(name: string, value: boolean): UnitProperty {
  return { name, type: 'b', values: [String(value)] }
}

export function numberProperty(name: string, value: string, since?: number): UnitProperty {
  return { name, type: 't', values: [value], since }
}

/** An array of structures. */
export function listProperty(name: string, type: string, rows: readonly (readonly string[])[]): UnitProperty {
  return { name, type: `a(${type})`, values: [String(rows.length), ...rows.flat()] }
}

export function bytesProperty(name: string, bytes: Uint8Array, since?: number): UnitProperty {
  return { name, type: 'ay', values: [String(bytes.length), ...Array.from(bytes, String)], since }
}

/** As tsrun-systemd reads it: NAME[@SINCE]=TYPE VALUE[<tab>VALUE...] */
export function propertyText({ name, since, type, values }: UnitProperty): string {
  return `${name}${since === undefined ? '' : `@${since}`}=${type} ${values.join('\t')}`
}
