// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Two fields of a process are for Windows alone. Engines that serve both write them on Linux, too.
 * Spec: config.md#process
 */
export const fieldsOfWindows: Rule = {
  name: 'fields-of-windows',
  section: 'config.md#process',
  process: true,
  check({ process }, report) {
    const ignored = 'is ignored, it is for Windows alone'
    if (process?.commandLine !== undefined) report('/process/commandLine', ignored)
    if (process?.user?.username !== undefined) report('/process/user/username', ignored)
  },
}
