// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'

/**
 * Mounts and masks without a mount namespace would be the host's.
 * Spec: config-linux.md#namespaces
 */
export const mountNamespaceNeeded: Rule = {
  name: 'mount-namespace-needed',
  section: 'config-linux.md#namespaces',
  reads: '/linux/namespaces',
  check(spec, report) {
    if (findNamespace(spec, 'mount') !== undefined) return
    const { mounts = [], linux } = spec
    const advice = 'needs a mount namespace: add {"type": "mount"} to linux.namespaces'
    if (mounts.length > 0) report('/mounts', advice)
    for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
      if ((linux?.[field] ?? []).length > 0) report(`/linux/${field}`, advice)
    }
  },
}
