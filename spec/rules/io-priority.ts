// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * An I/O priority has eight levels.
 * Spec: config.md#linux-process
 */
export const ioPriority: Rule = {
  name: 'io-priority',
  section: 'config.md#linux-process',
  field: '/process/ioPriority',
  process: true,
  check({ process }, report) {
    const priority = process?.ioPriority?.priority
    if (priority !== undefined && (priority < 0 || priority > 7)) {
      report('/process/ioPriority/priority', `${priority} is out of range: give a level from 0 (highest) to 7`)
    }
  },
}
