// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A size without a terminal must be ignored.
 * Spec: config.md#process
 */
export const consoleSizeUnused: Rule = {
  name: 'console-size-unused',
  section: 'config.md#process',
  field: '/process/consoleSize',
  process: true,
  check({ process }, report) {
    if (process?.consoleSize !== undefined && process.terminal !== true) {
      report('/process/consoleSize', 'is ignored because process.terminal is not true')
    }
  },
}
