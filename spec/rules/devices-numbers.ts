// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * All devices but pipes have a major number of 12 bits and a minor number of 20 bits.
 * Spec: config-linux.md#devices
 */
export const devicesNumbers: Rule = {
  name: 'devices-numbers',
  section: 'config-linux.md#devices',
  field: '/linux/devices',
  check({ linux }, report) {
    linux?.devices?.forEach((device, index) => {
      if (device.type === 'p') return
      for (const [name, last] of [
        ['major', 4095],
        ['minor', 1048575],
      ] as const) {
        const value = device[name]
        const at = `/linux/devices/${index}/${name}`
        if (value === undefined) report(at, `is missing: a device of type ${device.type} needs it`)
        else if (value < 0 || value > last) report(at, `${value} is out of range: give a number from 0 to ${last}`)
      }
    })
  },
}
