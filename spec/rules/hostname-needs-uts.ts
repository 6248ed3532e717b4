// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'
import { utf8Length } from '../utf8-length.ts'

/**
 * A hostname belongs to a UTS namespace: without its own, the container would rename its host.
 * Spec: config.md#hostname
 */
export const hostnameNeedsUts: Rule = {
  name: 'hostname-needs-uts',
  section: 'config.md#hostname',
  field: '/hostname',
  reads: '/linux/namespaces',
  check(spec, report) {
    const { hostname = '' } = spec
    if (hostname === '') return
    if (findNamespace(spec, 'uts') === undefined) {
      report('/hostname', `${JSON.stringify(hostname)} needs a UTS namespace: add {"type": "uts"} to linux.namespaces`)
    }
    if (utf8Length(hostname) > 64) report('/hostname', 'is longer than the 64 bytes the kernel takes: shorten it')
  },
}
