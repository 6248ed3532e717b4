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
    for (const [index, flag] of (linux?.personality?.flags ?? []).entries()) {
      const text = `${JSON.stringify(flag)} is no flag, the specification defines none: remove it`
      report(`/linux/personality/flags/${index}`, text)
    }
  },
}
