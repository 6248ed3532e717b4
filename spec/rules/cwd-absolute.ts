// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * The working directory must be absolute.
 * Spec: config.md#process
 */
export const cwdAbsolute: Rule = {
  name: 'cwd-absolute',
  section: 'config.md#process',
  process: true,
  check({ process }, report) {
    if (process !== undefined && !process.cwd.startsWith('/')) {
      report('/process/cwd', `${JSON.stringify(process.cwd)} is not absolute: write a path that starts with /`)
    }
  },
}
