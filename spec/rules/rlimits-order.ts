// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * The hard limit is the ceiling of the soft one.
 * Spec: config.md#posix-process
 */
export const rlimitsOrder: Rule = {
  name: 'rlimits-order',
  section: 'config.md#posix-process',
  field: '/process/rlimits',
  process: true,
  check({ process }, report) {
    for (const [index, { soft, hard }] of (process?.rlimits ?? []).entries()) {
      if (soft > hard)
        report(`/process/rlimits/${index}/soft`, `${soft} is above the hard limit ${hard}: lower it, or raise hard`)
    }
  },
}
