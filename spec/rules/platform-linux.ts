// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const OTHERS = ['solaris', 'windows', 'vm', 'zos', 'freebsd'] as const

/**
 * Sections of other platforms cannot be honoured here, so they are refused rather than ignored.
 * Spec: config.md#platform-specific-configuration
 */
export const platformLinux: Rule = {
  name: 'platform-linux',
  section: 'config.md#platform-specific-configuration',
  check(spec, report) {
    for (const platform of OTHERS) {
      if (spec[platform] !== undefined) {
        report(`/${platform}`, 'configures another platform than Linux, which is not supported: remove it')
      }
    }
  },
}
