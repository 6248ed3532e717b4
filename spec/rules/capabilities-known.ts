// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES, CAPABILITY_SETS } from '../capability.ts'
import type { Rule } from '../rule.ts'

/**
 * A capability that the kernel does not have must be a warning, not an error.
 * Spec: config.md#linux-process
 */
export const capabilitiesKnown: Rule = {
  name: 'capabilities-known',
  section: 'config.md#linux-process',
  field: '/process/capabilities',
  process: true,
  check({ process }, report) {
    for (const set of CAPABILITY_SETS) {
      for (const [index, name] of (process?.capabilities?.[set] ?? []).entries()) {
        if (!CAPABILITIES.includes(name))
          report(
            `/process/capabilities/${set}/${index}`,
            `${JSON.stringify(name)} is no capability of Linux, it is left out`,
          )
      }
    }
  },
}
