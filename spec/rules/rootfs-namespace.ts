// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'

/**
 * The propagation of the root can be set only in a mount namespace.
 * Spec: config-linux.md#rootfs-mount-propagation
 */
export const rootfsNamespace: Rule = {
  name: 'rootfs-namespace',
  section: 'config-linux.md#rootfs-mount-propagation',
  field: '/linux/rootfsPropagation',
  reads: '/linux/namespaces',
  check(spec, report) {
    const propagation = spec.linux?.rootfsPropagation ?? ''
    if (propagation !== '' && findNamespace(spec, 'mount') === undefined) {
      report(
        '/linux/rootfsPropagation',
        `"${propagation}" needs a mount namespace: add {"type": "mount"} to linux.namespaces`,
      )
    }
  },
}
