// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * No flag is defined yet, so none can be honoured.
 * Spec: config-linux.md#personality
 */
export const personalityFlags: Rule = {
  name: 'personality-flags',
  section: 'config-linux.md#personality',
  field: '/linux/personality',
  check({ linux }, report) {
    const flags = linux?.personality?.flags ?? []
    if (flags.length > 0)
      report('/linux/personality/flags', 'has values, but the specification defines none: remove it')
  },
}
