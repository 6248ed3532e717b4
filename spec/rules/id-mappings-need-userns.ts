// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'

/**
 * Mappings belong to a user namespace. With one that is joined by path they may be given for information.
 * Spec: config-linux.md#user-namespace-mappings
 */
export const idMappingsNeedUserns: Rule = {
  name: 'id-mappings-need-userns',
  section: 'config-linux.md#user-namespace-mappings',
  reads: '/linux/namespaces',
  check(spec, report) {
    if (findNamespace(spec, 'user') !== undefined) return
    for (const field of ['uidMappings', 'gidMappings'] as const) {
      if ((spec.linux?.[field] ?? []).length > 0) {
        report(
          `/linux/${field}`,
          'needs a user namespace: add {"type": "user"} to linux.namespaces, or remove the mappings',
        )
      }
    }
  },
}
