// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const LISTS = [
  'weightDevice',
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const

/**
 * Limits name block devices by their numbers.
 * Spec: config-linux.md#block-io
 */
export const blockIoDevices: Rule = {
  name: 'block-io-devices',
  section: 'config-linux.md#block-io',
  field: '/linux/resources/blockIO',
  check({ linux }, report) {
    const blockIO = linux?.resources?.blockIO
    for (const field of LISTS) {
      blockIO?.[field]?.forEach((device, index) => {
        for (const name of ['major', 'minor'] as const) {
          if (device[name] < 0)
            report(
              `/linux/resources/blockIO/${field}/${index}/${name}`,
              `${device[name]} is no device number: give one from 0`,
            )
        }
      })
    }
  },
}
