// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A device is made at a full path inside the container.
 * Spec: config-linux.md#devices
 */
export const devicesPathAbsolute: Rule = {
  name: 'devices-path-absolute',
  section: 'config-linux.md#devices',
  field: '/linux/devices',
  check({ linux }, report) {
    linux?.devices?.forEach(({ path }, index) => {
      if (!path.startsWith('/') || path === '/') {
        report(
          `/linux/devices/${index}/path`,
          `${JSON.stringify(path)} is no full path of a device: write one like "/dev/fuse"`,
        )
      }
    })
  },
}
