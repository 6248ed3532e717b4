// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../pointer.ts'
import type { Rule } from '../rule.ts'

/**
 * Keys are names of files in the container's cgroup, never paths out of it.
 * Spec: config-linux.md#unified
 */
export const unifiedNames: Rule = {
  name: 'unified-names',
  section: 'config-linux.md#unified',
  field: '/linux/resources/unified',
  check({ linux }, report) {
    for (const key of Object.keys(linux?.resources?.unified ?? {})) {
      if (key.includes('/') || !/^[^.]+\../.test(key)) {
        report(
          pointerTo('/linux/resources/unified', key),
          `${JSON.stringify(key)} is no file of a controller: write a name like "memory.high"`,
        )
      }
    }
  },
}
