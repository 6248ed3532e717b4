// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * The specification wants the group of a process to be given. Configs without it are about, and mean group 0.
 * Spec: config.md#posix-platform-user
 */
export const userGroup: Rule = {
  name: 'user-group',
  section: 'config.md#posix-platform-user',
  process: true,
  reads: '/process/user',
  check({ process }, report) {
    const user: { readonly uid?: number; readonly gid?: number } | undefined = process?.user
    if (user?.uid !== undefined && user.gid === undefined) {
      report('/process/user/gid', 'is missing: the process runs in group 0')
    }
  },
}
