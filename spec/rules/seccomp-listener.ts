// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Notifying needs a listener, and its metadata is of no use without one.
 * Spec: config-linux.md#seccomp
 */
export const seccompListener: Rule = {
  name: 'seccomp-listener',
  section: 'config-linux.md#seccomp',
  field: '/linux/seccomp',
  reads: '/linux/seccomp/listenerPath',
  check({ linux }, report) {
    const seccomp = linux?.seccomp
    if (seccomp === undefined || (seccomp.listenerPath ?? '') !== '') return
    if ((seccomp.listenerMetadata ?? '') !== '')
      report('/linux/seccomp/listenerMetadata', 'must not be set without listenerPath: give both or remove it')
    const index = seccomp.syscalls?.findIndex(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? -1
    if (index !== -1) {
      report(
        '/linux/seccomp/listenerPath',
        `is missing: linux.seccomp.syscalls[${index}] uses SCMP_ACT_NOTIFY, give the path of the agent's socket`,
      )
    }
  },
}
