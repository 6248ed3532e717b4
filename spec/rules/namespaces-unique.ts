// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A type of namespace may be listed once.
 * Spec: config-linux.md#namespaces
 */
export const namespacesUnique: Rule = {
  name: 'namespaces-unique',
  section: 'config-linux.md#namespaces',
  field: '/linux/namespaces',
  check({ linux }, report) {
    const seen = new Map<string, number>()
    for (const [index, { type }] of (linux?.namespaces ?? []).entries()) {
      const first = seen.get(type)
      if (first === undefined) seen.set(type, index)
      else
        report(
          `/linux/namespaces/${index}/type`,
          `${type} is listed twice: remove this entry or linux.namespaces[${first}]`,
        )
    }
  },
}
