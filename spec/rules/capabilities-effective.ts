// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES } from '../capability.ts'
import type { Rule } from '../rule.ts'

/**
 * An effective capability must be permitted; one that cannot be granted must be a warning, not an error.
 * Spec: config.md#linux-process
 */
export const capabilitiesEffective: Rule = {
  name: 'capabilities-effective',
  section: 'config.md#linux-process',
  field: '/process/capabilities',
  process: true,
  reads: '/process/capabilities/permitted',
  check({ process }, report) {
    const capabilities = process?.capabilities
    const permitted = new Set(capabilities?.permitted)
    for (const [index, name] of (capabilities?.effective ?? []).entries()) {
      if (CAPABILITIES.includes(name) && !permitted.has(name)) {
        report(
          `/process/capabilities/effective/${index}`,
          `${name} cannot be granted without being in process.capabilities.permitted, it is left out`,
        )
      }
    }
  },
}
