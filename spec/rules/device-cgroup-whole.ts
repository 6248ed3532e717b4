// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A rule for all devices is about every number and every kind of access: kernels know no other.
 * Spec: config-linux.md#allowed-device-list
 */
export const deviceCgroupWhole: Rule = {
  name: 'device-cgroup-whole',
  section: 'config-linux.md#allowed-device-list',
  field: '/linux/resources/devices',
  check({ linux }, report) {
    for (const [index, { type, major, minor, access }] of (linux?.resources?.devices ?? []).entries()) {
      if (['b', 'c'].includes(type ?? '')) continue
      const at = `/linux/resources/devices/${index}`
      if (access !== undefined && access !== '' && new Set(access).size < 3)
        report(`${at}/access`, 'counts as "rwm", because the rule is for all devices: give type to limit it')
      for (const [name, value] of Object.entries({ major, minor })) {
        if (value !== undefined && value >= 0)
          report(`${at}/${name}`, 'is ignored, because the rule is for all devices: give type too')
      }
    }
  },
}
