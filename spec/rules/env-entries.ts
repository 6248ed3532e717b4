// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Environment entries are NAME=VALUE.
 * Spec: config.md#process
 */
export const envEntries: Rule = {
  name: 'env-entries',
  section: 'config.md#process',
  process: true,
  check({ process }, report) {
    for (const [index, entry] of (process?.env ?? []).entries()) {
      if (entry.indexOf('=') < 1)
        report(`/process/env/${index}`, `${JSON.stringify(entry)} is not NAME=VALUE: write it so`)
    }
  },
}
