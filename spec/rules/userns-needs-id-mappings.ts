// SPDX-License-Identifier: Apache-2.0
import { findNamespace, isNewNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'

/**
 * In a user namespace without mappings no id exists, so nothing could run.
 * Spec: config-linux.md#user-namespace-mappings
 */
export const usernsNeedsIdMappings: Rule = {
  name: 'userns-needs-id-mappings',
  section: 'config-linux.md#user-namespace-mappings',
  field: '/linux/namespaces',
  reads: '/linux',
  check(spec, report) {
    if (!isNewNamespace(findNamespace(spec, 'user'))) return
    for (const field of ['uidMappings', 'gidMappings'] as const) {
      if ((spec.linux?.[field] ?? []).length === 0)
        report(`/linux/${field}`, 'is missing for the new user namespace: give at least one mapping')
    }
  },
}
