// SPDX-License-Identifier: Apache-2.0
import { toNumberMask } from '../../compile/number-mask.ts'
import { bytesProperty, INFINITY, type UnitProperty } from './property.ts'

const PER_SECOND = 1_000_000n
/** Systemd counts whole percents of a CPU. */
const STEP = 10_000n

/** A size as the kernel reads it: bytes, `max`, or with a unit. Undefined for what is none. */
export function toBytes(text: string): string | undefined {
  if (text === 'max' || text === '-1') return INFINITY
  const [, digits, unit = ''] = /^(\d+)([kKmMgG]?)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  return String(BigInt(digits) << BigInt({ '': 0, 'k': 10, 'm': 20, 'g': 30 }[unit.toLowerCase()] ?? 0))
}

/** Quota and period in microseconds. Rounded up: what is below must be able to have the quota that it was told. */
export function quotaProperties(quota: string, period: string): UnitProperty[] {
  let perSecond = INFINITY
  if (/^\d+$/.test(quota)) {
    const exact = (BigInt(quota) * PER_SECOND) / BigInt(period)
    perSecond = String(((exact + STEP - 1n) / STEP) * STEP)
  }
  return [
    { name: 'CPUQuotaPerSecUSec', type: 't', values: [perSecond] },
    { name: 'CPUQuotaPeriodUSec', type: 't', values: [period], since: 242 },
  ]
}

const cpusets: Readonly<Record<string, string>> = {
  'cpuset.cpus': 'AllowedCPUs',
  'cpuset.mems': 'AllowedMemoryNodes',
}

/** What a file of the controller cpuset is for systemd; undefined: the file is no such one. */
export function cpusetProperty(file: string, text: string, pointer: string): UnitProperty | undefined {
  const name = cpusets[file]
  return name === undefined ? undefined : bytesProperty(name, toNumberMask(text, pointer), 244)
}

/** Collects properties by name: a later one replaces an earlier one, lists grow. */
export class PropertySet {
  readonly #found = new Map<string, UnitProperty>()

  add(...properties: readonly UnitProperty[]): void {
    // What only new versions know stands behind what all of them know.
    for (const property of properties) {
      const key = `${property.name}@${property.since ?? 0}`
      this.#found.delete(key)
      this.#found.set(key, property)
    }
  }

  /** One more item of an array of structures. */
  append(name: string, type: string, row: readonly string[]): void {
    const key = `${name}@0`
    const [, ...before] = this.#found.get(key)?.values ?? []
    const values = [...before, ...row]
    this.#found.set(key, { name, type: `a(${type})`, values: [String(values.length / row.length), ...values] })
  }

  list(): readonly UnitProperty[] {
    return [...this.#found.values()]
  }
}
