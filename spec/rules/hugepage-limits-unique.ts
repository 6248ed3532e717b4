// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Two limits of one page size are one too many.
 * Spec: config-linux.md#huge-page-limits
 */
export const hugepageLimitsUnique: Rule = {
  name: 'hugepage-limits-unique',
  section: 'config-linux.md#huge-page-limits',
  field: '/linux/resources/hugepageLimits',
  check({ linux }, report) {
    const seen = new Map<string, number>()
    linux?.resources?.hugepageLimits?.forEach(({ pageSize }, index) => {
      const first = seen.get(pageSize)
      if (first === undefined) seen.set(pageSize, index)
      else
        report(
          `/linux/resources/hugepageLimits/${index}/pageSize`,
          `${pageSize} is limited twice: remove this entry or entry ${first}`,
        )
    })
  },
}
