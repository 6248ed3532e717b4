// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A limit may be given once.
 * Spec: config.md#posix-process
 */
export const rlimitsUnique: Rule = {
  name: 'rlimits-unique',
  section: 'config.md#posix-process',
  field: '/process/rlimits',
  process: true,
  check({ process }, report) {
    const seen = new Map<string, number>()
    for (const [index, { type }] of (process?.rlimits ?? []).entries()) {
      const first = seen.get(type)
      if (first === undefined) seen.set(type, index)
      else
        report(
          `/process/rlimits/${index}/type`,
          `${type} is given twice: remove this entry or process.rlimits[${first}]`,
        )
    }
  },
}
