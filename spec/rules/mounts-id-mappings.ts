// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'

/**
 * The two mappings of a mount come together, and the idmap option needs some mapping to apply.
 * Spec: config.md#posix-platform-mounts
 */
export const mountsIdMappings: Rule = {
  name: 'mounts-id-mappings',
  section: 'config.md#posix-platform-mounts',
  field: '/mounts',
  reads: '/linux/namespaces',
  check(spec, report) {
    for (const [index, { uidMappings = [], gidMappings = [], options = [] }] of (spec.mounts ?? []).entries()) {
      if (uidMappings.length > 0 && gidMappings.length === 0)
        report(`/mounts/${index}/gidMappings`, 'is missing beside uidMappings: give both')
      if (gidMappings.length > 0 && uidMappings.length === 0)
        report(`/mounts/${index}/uidMappings`, 'is missing beside gidMappings: give both')
      const idmap = options.includes('idmap') ? 'idmap' : options.includes('ridmap') ? 'ridmap' : undefined
      if (
        idmap !== undefined &&
        uidMappings.length + gidMappings.length === 0 &&
        findNamespace(spec, 'user') === undefined
      ) {
        report(
          `/mounts/${index}/options/${options.indexOf(idmap)}`,
          `"${idmap}" has no mapping to apply: give uidMappings and gidMappings, or a user namespace`,
        )
      }
    }
  },
}
