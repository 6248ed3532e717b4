// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Limits are bytes, or -1 for none; swap counts memory and swap together; swappiness is a percentage.
 * Spec: config-linux.md#memory
 */
export const memoryLimits: Rule = {
  name: 'memory-limits',
  section: 'config-linux.md#memory',
  field: '/linux/resources/memory',
  check({ linux }, report) {
    const memory = linux?.resources?.memory
    if (memory === undefined) return
    const at = '/linux/resources/memory'
    for (const name of ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'] as const) {
      const value = memory[name]
      if (value !== undefined && value < -1) report(`${at}/${name}`, `${value} is no limit: give bytes, or -1 for none`)
    }
    const { limit = 0, swap = 0, swappiness = 0 } = memory
    if (limit > 0 && swap > 0 && swap < limit)
      report(`${at}/swap`, `${swap} is below the memory limit ${limit}, which it includes: raise it`)
    if (limit === -1 && swap > 0)
      report(`${at}/swap`, `${swap} cannot bound memory and swap while memory is unlimited: give limit too, or -1`)
    if (swappiness > 100) report(`${at}/swappiness`, `${swappiness} is no percentage: give 0 to 100`)
  },
}
