// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const NO_ID = 4294967295

/**
 * 4294967295 is (uid_t)-1, which the kernel reads as "leave it as it is"; a umask has nine bits.
 * Spec: config.md#posix-platform-user
 */
export const userIds: Rule = {
  name: 'user-ids',
  section: 'config.md#posix-platform-user',
  process: true,
  check({ process }, report) {
    const user = process?.user
    if (user === undefined) return
    for (const name of ['uid', 'gid'] as const) {
      if (user[name] === NO_ID)
        report(`/process/user/${name}`, '4294967295 is no valid id: give one from 0 to 4294967294')
    }
    user.additionalGids?.forEach((gid, index) => {
      if (gid === NO_ID)
        report(`/process/user/additionalGids/${index}`, '4294967295 is no valid id: give one from 0 to 4294967294')
    })
    if (user.umask !== undefined && user.umask > 0o777) {
      report('/process/user/umask', `${user.umask} is more than permission bits: give at most 511, which is 0777`)
    }
  },
}
