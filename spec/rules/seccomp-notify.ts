// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

const NOTIFY = 'SCMP_ACT_NOTIFY'

/**
 * A listener cannot judge the calls that hand it over, so notifying must not be the default, nor cover write.
 * Spec: config-linux.md#seccomp
 */
export const seccompNotify: Rule = {
  name: 'seccomp-notify',
  section: 'config-linux.md#seccomp',
  field: '/linux/seccomp',
  check({ linux }, report) {
    const seccomp = linux?.seccomp
    if (seccomp === undefined) return
    if (seccomp.defaultAction === NOTIFY) {
      report(
        '/linux/seccomp/defaultAction',
        `${NOTIFY} cannot be the default, the runtime itself would wait for the listener: use it for named calls`,
      )
    }
    for (const [index, { action, names }] of (seccomp.syscalls ?? []).entries()) {
      const write = action === NOTIFY ? names.indexOf('write') : -1
      if (write !== -1) {
        report(
          `/linux/seccomp/syscalls/${index}/names/${write}`,
          // Callers look for the first words.
          `${NOTIFY} cannot be used for the write syscall, the runtime itself would wait for the listener: remove it`,
        )
      }
    }
  },
}
