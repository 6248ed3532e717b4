// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A path that climbs would leave the place that the caller delegated.
 * Spec: config-linux.md#cgroups-path
 */
export const cgroupsPath: Rule = {
  name: 'cgroups-path',
  section: 'config-linux.md#cgroups-path',
  field: '/linux/cgroupsPath',
  check({ linux }, report) {
    const path = linux?.cgroupsPath
    if (path?.split('/').includes('..'))
      report('/linux/cgroupsPath', `${JSON.stringify(path)} climbs with "..": write the path without`)
    if (path?.includes('\n')) report('/linux/cgroupsPath', 'has a line break in it: remove it')
  },
}
