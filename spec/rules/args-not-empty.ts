// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * There must be a program to run.
 * Spec: config.md#process
 */
export const argsNotEmpty: Rule = {
  name: 'args-not-empty',
  section: 'config.md#process',
  process: true,
  reads: '/process/args',
  check({ process }, report) {
    if (process === undefined) return
    if (process.args === undefined || process.args.length === 0)
      report('/process/args', 'is empty: name the program to run')
    else if (process.args[0] === '') report('/process/args/0', 'is empty: name the program to run')
  },
}
