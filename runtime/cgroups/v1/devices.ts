// SPDX-License-Identifier: Apache-2.0
import type { CgroupWrite } from '../cgroup-write.ts'
import { accessText, type DevicePolicy } from '../device-policy.ts'

/** A device policy as writes: first the default for all devices, then the exceptions. */
export function compileDevicesV1(policy: DevicePolicy): CgroupWrite[] {
  const [byDefault, otherwise] = policy.defaultAllow
    ? ['devices.allow', 'devices.deny']
    : ['devices.deny', 'devices.allow']
  const writes: CgroupWrite[] = [{ controller: 'devices', file: byDefault, value: 'a', pointer: policy.pointer }]
  for (const { type, major, minor, access, pointer } of policy.exceptions) {
    const value = `${type} ${major ?? '*'}:${minor ?? '*'} ${accessText(access)}`
    writes.push({ controller: 'devices', file: otherwise, value, pointer })
  }
  return writes
}
