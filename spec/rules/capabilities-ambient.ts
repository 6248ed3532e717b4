// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES } from '../capability.ts'
import type { Rule } from '../rule.ts'

/**
 * An ambient capability must be permitted and inheritable; one that cannot be granted must be a warning.
 * Spec: config.md#linux-process
 */
export const capabilitiesAmbient: Rule = {
  name: 'capabilities-ambient',
  section: 'config.md#linux-process',
  field: '/process/capabilities',
  process: true,
  check({ process }, report) {
    const { ambient = [], permitted = [], inheritable = [] } = process?.capabilities ?? {}
    // Engines list an ambient set beside no inheritable one at all, on purpose since CVE-2022-29162: each container of
    // theirs would be told.
    if (inheritable.length === 0) return
    const refused = ambient.filter(
      (name) => CAPABILITIES.includes(name) && !(permitted.includes(name) && inheritable.includes(name)),
    )
    if (refused.length > 0) {
      report(
        '/process/capabilities/ambient',
        // Callers look for these words.
        `can't raise ambient capability ${refused.join(', ')}: it takes one that is permitted and inheritable`,
      )
    }
  },
}
