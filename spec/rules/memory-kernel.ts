// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A limit of kernel memory is not recommended, and current kernels have none. That of the buffers of TCP is left where cgroup v1 is:
 * what comes of it is told by who knows the host.
 * Spec: config-linux.md#memory
 */
export const memoryKernel: Rule = {
  name: 'memory-kernel',
  section: 'config-linux.md#memory',
  field: '/linux/resources/memory',
  check({ linux }, report) {
    if ((linux?.resources?.memory?.kernel ?? 0) > 0)
      report('/linux/resources/memory/kernel', 'is a limit that current kernels do not have, it is ignored')
  },
}
