// SPDX-License-Identifier: Apache-2.0
import { findNamespace } from '../namespace.ts'
import type { Rule } from '../rule.ts'
import { utf8Length } from '../utf8-length.ts'

/**
 * A domainname belongs to a UTS namespace: without its own, the container would rename its host.
 * Spec: config.md#domainname
 */
export const domainnameNeedsUts: Rule = {
  name: 'domainname-needs-uts',
  section: 'config.md#domainname',
  field: '/domainname',
  reads: '/linux/namespaces',
  check(spec, report) {
    const { domainname = '' } = spec
    if (domainname === '') return
    if (findNamespace(spec, 'uts') === undefined) {
      report(
        '/domainname',
        `${JSON.stringify(domainname)} needs a UTS namespace: add {"type": "uts"} to linux.namespaces`,
      )
    }
    if (utf8Length(domainname) > 64) report('/domainname', 'is longer than the 64 bytes the kernel takes: shorten it')
  },
}
