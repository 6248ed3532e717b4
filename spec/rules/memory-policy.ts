// SPDX-License-Identifier: Apache-2.0
import { countNumbers, numberListFault } from '../number-list.ts'
import type { Rule } from '../rule.ts'

const NO_NODES: ReadonlySet<string> = new Set(['MPOL_DEFAULT', 'MPOL_LOCAL'])

/**
 * Some modes need nodes, some refuse them; not all flags go with all modes.
 * Spec: config-linux.md#memory-policy
 */
export const memoryPolicy: Rule = {
  name: 'memory-policy',
  section: 'config-linux.md#memory-policy',
  field: '/linux/memoryPolicy',
  check({ linux }, report) {
    const policy = linux?.memoryPolicy
    if (policy === undefined) return
    const { mode, nodes = '', flags = [] } = policy
    const at = '/linux/memoryPolicy'
    const fault = numberListFault(nodes)
    if (fault !== undefined) report(`${at}/nodes`, `${fault}: correct it`)
    if (NO_NODES.has(mode)) {
      if (nodes !== '') report(`${at}/nodes`, `${mode} mode requires 0 nodes but got ${countNumbers(nodes)}: remove it`)
      if (flags.length > 0) report(`${at}/flags`, `does not suit ${mode}, which takes no flags: remove it`)
    } else if (nodes === '' && mode !== 'MPOL_PREFERRED') {
      report(`${at}/nodes`, `is missing: ${mode} needs at least one node`)
    }
    if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
      report(
        `${at}/flags`,
        'has both MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES, which exclude each other: remove one',
      )
    }
  },
}
