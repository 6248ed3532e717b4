// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Limits of kernel memory are not recommended, and current kernels have none.
 * Spec: config-linux.md#memory
 */
export const memoryKernel: Rule = {
  name: 'memory-kernel',
  section: 'config-linux.md#memory',
  field: '/linux/resources/memory',
  check({ linux }, report) {
    const memory = linux?.resources?.memory
    for (const name of ['kernel', 'kernelTCP'] as const) {
      if ((memory?.[name] ?? 0) > 0)
        report(`/linux/resources/memory/${name}`, 'is a limit that current kernels do not have, it is ignored')
    }
  },
}
