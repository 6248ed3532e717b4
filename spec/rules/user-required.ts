// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A POSIX process has a user. Without a group it has that of root, as everywhere else.
 * Spec: config.md#posix-platform-user
 */
export const userRequired: Rule = {
  name: 'user-required',
  section: 'config.md#posix-platform-user',
  process: true,
  reads: '/process/user',
  check({ process }, report) {
    if (process === undefined) return
    // the schema is as lenient as the official one here, so the types do not hold yet
    const user: { readonly uid?: number; readonly gid?: number } | undefined = process.user
    if (user === undefined) report('/process/user', 'is missing: give {"uid": 0, "gid": 0}, or other ids')
    else if (user.uid === undefined) report('/process/user/uid', 'is missing: give the id to run as')
  },
}
