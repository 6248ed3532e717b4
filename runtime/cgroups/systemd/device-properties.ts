// SPDX-License-Identifier: Apache-2.0
import { accessText, type DevicePolicy } from '../device-policy.ts'
import { listProperty, textProperty, type UnitProperty } from './property.ts'

const typeNames = { b: 'block', c: 'char' } as const

/**
 * The device rules as systemd knows them. It puts its own program beside ours, and both must allow an access: what it cannot
 * express (all devices but some, a minor number of every major) is left to ours.
 */
export function deviceProperties({ defaultAllow, exceptions }: DevicePolicy): readonly UnitProperty[] {
  const open = [textProperty('DevicePolicy', 'auto')]
  if (defaultAllow) return open
  const rows: [path: string, access: string][] = []
  for (const { type, major, minor, access } of exceptions) {
    const name = typeNames[type]
    if (major === undefined && minor !== undefined) return open
    const path = minor === undefined ? `${name}-${major ?? '*'}` : `/dev/${name}/${major}:${minor}`
    rows.push([path, accessText(access)])
  }
  return [textProperty('DevicePolicy', 'strict'), listProperty('DeviceAllow', 'ss', rows)]
}
