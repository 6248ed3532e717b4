// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A burst must be no larger than a positive quota.
 * Spec: config-linux.md#cpu
 */
export const cpuBurst: Rule = {
  name: 'cpu-burst',
  section: 'config-linux.md#cpu',
  field: '/linux/resources/cpu',
  check({ linux }, report) {
    const { burst = 0, quota = 0 } = linux?.resources?.cpu ?? {}
    if (quota > 0 && burst > quota)
      report('/linux/resources/cpu/burst', `${burst} is above the quota ${quota}: lower it, or raise quota`)
  },
}
