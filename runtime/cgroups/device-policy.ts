// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { LinuxDeviceCgroup } from '../../spec/runtime/devices.ts'

/** Access to devices, with the values of BPF_DEVCG_ACC_*. */
export const ACCESS_MKNOD = 1
export const ACCESS_READ = 2
export const ACCESS_WRITE = 4
export const ACCESS_ALL = ACCESS_MKNOD | ACCESS_READ | ACCESS_WRITE

/** Devices that are treated unlike the rest; without a number it stands for every number. */
export interface DeviceException {
  readonly type: 'b' | 'c'
  readonly major: number | undefined
  readonly minor: number | undefined
  readonly access: number
  readonly pointer: string
}

/** What an ordered list of device rules comes down to: a default and its exceptions. */
export interface DevicePolicy {
  readonly defaultAllow: boolean
  /** Field that decided the default. */
  readonly pointer: string
  readonly exceptions: readonly DeviceException[]
}

/**
 * Allowed in every container that is not open for all devices: nodes of any device may be made (using
 * them is another matter), the devices that each container has by the specification, terminals, and
 * /dev/net/tun, which callers have relied on for as long as there are containers.
 */
const always: readonly DeviceException[] = [
  special('c', undefined, undefined, ACCESS_MKNOD),
  special('b', undefined, undefined, ACCESS_MKNOD),
  special('c', 1, 3, ACCESS_ALL),
  special('c', 1, 5, ACCESS_ALL),
  special('c', 1, 7, ACCESS_ALL),
  special('c', 1, 8, ACCESS_ALL),
  special('c', 1, 9, ACCESS_ALL),
  special('c', 5, 0, ACCESS_ALL),
  special('c', 5, 2, ACCESS_ALL),
  special('c', 10, 200, ACCESS_ALL),
  special('c', 136, undefined, ACCESS_ALL),
]

function special(
  type: DeviceException['type'],
  major: number | undefined,
  minor: number | undefined,
  access: number,
): DeviceException {
  return { type, major, minor, access, pointer: 'runtime' }
}

/**
 * Reduces the device rules of a container, in their order, as the v1 controller understands them: a rule
 * for all devices starts over, a rule like the default takes an equal exception back, any other adds one.
 * Without a rule nothing but `always` is allowed.
 * DIFFERS: where the default is to allow, runc lets `always` take denials of config.json back; here they hold.
 * Errors: invalid-config for a rule that would cut a hole into a wider exception, which v1 ignores in silence.
 * Spec: config-linux.md#allowed-device-list
 */
export function compileDevicePolicy(rules: readonly LinuxDeviceCgroup[]): DevicePolicy {
  let defaultAllow = false
  let decidedBy = 'runtime'
  const exceptions = new Map<string, DeviceException>()
  for (const [index, rule] of rules.entries()) {
    const pointer = `/linux/resources/devices/${index}`
    const exception = toException(rule, pointer)
    if (exception === undefined) {
      defaultAllow = rule.allow
      decidedBy = pointer
      exceptions.clear()
    } else if (rule.allow === defaultAllow) {
      takeBack(exceptions, exception)
    } else {
      add(exceptions, exception)
    }
  }
  if (!defaultAllow) for (const exception of always) add(exceptions, exception)
  return { defaultAllow, pointer: decidedBy, exceptions: [...exceptions.values()] }
}

/** Letters of an access mask, in the order the kernel prints them. */
export function accessText(access: number): string {
  return (access & ACCESS_READ ? 'r' : '') + (access & ACCESS_WRITE ? 'w' : '') + (access & ACCESS_MKNOD ? 'm' : '')
}

/** Undefined for a rule about all devices. */
function toException(rule: LinuxDeviceCgroup, pointer: string): DeviceException | undefined {
  const type = rule.type || 'a'
  // All kinds of access then, whatever it says: spec/ has warned.
  if (type === 'a') return undefined
  const access = parseAccess(rule.access, pointer)
  return {
    type,
    major: parseNumber(rule.major, `${pointer}/major`),
    minor: parseNumber(rule.minor, `${pointer}/minor`),
    access,
    pointer,
  }
}

function parseAccess(text: string | undefined, pointer: string): number {
  let access = 0
  for (const letter of text ?? '') {
    if (letter === 'r') access |= ACCESS_READ
    else if (letter === 'w') access |= ACCESS_WRITE
    else if (letter === 'm') access |= ACCESS_MKNOD
    else if (letter !== 'a') throw bad(`${pointer}/access`, `${JSON.stringify(text)} has a letter other than r, w, m`)
  }
  if (access === 0) throw bad(`${pointer}/access`, 'must not be empty')
  return access
}

/** Any negative number stands for every number, as an absent one does. */
function parseNumber(value: number | undefined, pointer: string): number | undefined {
  if (value === undefined || value < 0) return undefined
  if (!Number.isInteger(value) || value > 0xffffffff) {
    throw bad(pointer, `${value} is not a device number`)
  }
  return value
}

function keyOf({ type, major, minor }: DeviceException): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'}`
}

function add(exceptions: Map<string, DeviceException>, exception: DeviceException): void {
  const key = keyOf(exception)
  const known = exceptions.get(key)
  if (known === undefined) exceptions.set(key, exception)
  else exceptions.set(key, { ...known, access: known.access | exception.access })
}

function takeBack(exceptions: Map<string, DeviceException>, exception: DeviceException): void {
  const key = keyOf(exception)
  for (const wider of exceptions.values()) {
    const covers =
      wider.type === exception.type &&
      (wider.major === undefined || wider.major === exception.major) &&
      (wider.minor === undefined || wider.minor === exception.minor)
    if (covers && keyOf(wider) !== key && (wider.access & exception.access) !== 0) {
      throw bad(
        exception.pointer,
        `cannot make an exception from ${pointerLabel(wider.pointer)} (${keyOf(wider)} ${accessText(wider.access)}); list the devices one by one there`,
      )
    }
  }
  const known = exceptions.get(key)
  if (known === undefined) return
  const access = known.access & ~exception.access
  if (access === 0) exceptions.delete(key)
  else exceptions.set(key, { ...known, access })
}

function bad(pointer: string, what: string): TsrunError {
  return new TsrunError('invalid-config', `${pointerLabel(pointer)}: ${what}`, { pointer })
}
