// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A terminal size has 16 bits a side. Without a terminal the size must be ignored, so nothing is said of it.
 * Spec: config.md#process
 */
export const consoleSize: Rule = {
  name: 'console-size',
  section: 'config.md#process',
  field: '/process/consoleSize',
  process: true,
  check({ process }, report) {
    if (process?.terminal !== true || process.consoleSize === undefined) return
    for (const side of ['height', 'width'] as const) {
      if (process.consoleSize[side] > 65535) {
        report(
          `/process/consoleSize/${side}`,
          `${process.consoleSize[side]} is too large for a terminal: give at most 65535`,
        )
      }
    }
  },
}
