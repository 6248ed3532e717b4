// SPDX-License-Identifier: Apache-2.0
import { numberListFault } from '../number-list.ts'
import type { Rule } from '../rule.ts'

/**
 * A CPU affinity is a list of CPUs and ranges.
 * Spec: config.md#linux-process
 */
export const cpuAffinity: Rule = {
  name: 'cpu-affinity',
  section: 'config.md#linux-process',
  field: '/process/execCPUAffinity',
  process: true,
  check({ process }, report) {
    const affinity = process?.execCPUAffinity
    for (const name of ['initial', 'final'] as const) {
      const fault = numberListFault(affinity?.[name] ?? '')
      if (fault !== undefined) report(`/process/execCPUAffinity/${name}`, `${fault}: correct it`)
    }
  },
}
