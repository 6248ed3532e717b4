// SPDX-License-Identifier: Apache-2.0
import { numberListFault } from '../number-list.ts'
import type { Rule } from '../rule.ts'

/**
 * CPUs and memory nodes are lists of numbers and ranges; idle is a switch.
 * Spec: config-linux.md#cpu
 */
export const cpuValues: Rule = {
  name: 'cpu-values',
  section: 'config-linux.md#cpu',
  field: '/linux/resources/cpu',
  check({ linux }, report) {
    const cpu = linux?.resources?.cpu
    for (const name of ['cpus', 'mems'] as const) {
      const fault = numberListFault(cpu?.[name] ?? '')
      if (fault !== undefined) report(`/linux/resources/cpu/${name}`, `${fault}: correct it`)
    }
    const { idle = 0 } = cpu ?? {}
    if (idle !== 0 && idle !== 1) report('/linux/resources/cpu/idle', `${idle} is no switch: give 0 or 1`)
  },
}
