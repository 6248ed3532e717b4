// SPDX-License-Identifier: Apache-2.0
import { findNamespace, isNewNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'
import type { LinuxIDMapping } from '../runtime/namespaces.ts'
import type { User } from '../runtime/user.ts'

function isMapped(mappings: readonly LinuxIDMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)
}

/**
 * Ids of the process are ids of its user namespace: one that no mapping covers cannot be taken.
 * Spec: config-linux.md#user-namespace-mappings
 */
export const userMapped: Rule = {
  name: 'user-mapped',
  section: 'config-linux.md#user-namespace-mappings',
  field: '/linux/namespaces',
  reads: '/linux',
  check(spec, report) {
    const { process, linux } = spec
    if (process === undefined || linux === undefined || !isNewNamespace(findNamespace(spec, 'user'))) return
    const user = process.user as Partial<User> | undefined
    if (user === undefined) return
    if (
      linux.uidMappings !== undefined &&
      linux.uidMappings.length > 0 &&
      !isMapped(linux.uidMappings, user.uid ?? 0)
    ) {
      report('/process/user/uid', `${user.uid} is not covered by linux.uidMappings: map it, or run as another user`)
    }
    if (linux.gidMappings === undefined || linux.gidMappings.length === 0) return
    if (!isMapped(linux.gidMappings, user.gid ?? 0)) {
      report('/process/user/gid', `${user.gid} is not covered by linux.gidMappings: map it, or run as another group`)
    }
    user.additionalGids?.forEach((gid, index) => {
      if (!isMapped(linux.gidMappings ?? [], gid)) {
        report(
          `/process/user/additionalGids/${index}`,
          `${gid} is not covered by linux.gidMappings: map it or remove it`,
        )
      }
    })
  },
}
