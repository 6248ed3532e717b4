// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * What exists at the path of a device must match it, so no path can be two devices.
 * Spec: config-linux.md#devices
 */
export const devicesUnique: Rule = {
  name: 'devices-unique',
  section: 'config-linux.md#devices',
  field: '/linux/devices',
  check({ linux }, report) {
    const seen = new Map<string, number>()
    linux?.devices?.forEach((device, index) => {
      const first = seen.get(device.path)
      const before = first === undefined ? undefined : linux.devices?.[first]
      if (before === undefined) seen.set(device.path, index)
      else if (before.type !== device.type || before.major !== device.major || before.minor !== device.minor) {
        report(
          `/linux/devices/${index}/path`,
          `${device.path} is another device in linux.devices[${first}]: remove one of them`,
        )
      }
    })
  },
}
