// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../pointer.ts'
import type { Rule } from '../rule.ts'

/**
 * An entry must limit something.
 * Spec: config-linux.md#rdma
 */
export const rdmaEntries: Rule = {
  name: 'rdma-entries',
  section: 'config-linux.md#rdma',
  field: '/linux/resources/rdma',
  check({ linux }, report) {
    for (const [device, { hcaHandles, hcaObjects }] of Object.entries(linux?.resources?.rdma ?? {})) {
      if (hcaHandles === undefined && hcaObjects === undefined) {
        report(pointerTo('/linux/resources/rdma', device), 'has neither hcaHandles nor hcaObjects: give at least one')
      }
    }
  },
}
