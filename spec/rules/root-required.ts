// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Every platform but Windows needs a root filesystem.
 * Spec: config.md#root
 */
export const rootRequired: Rule = {
  name: 'root-required',
  section: 'config.md#root',
  reads: '/root',
  check(spec, report) {
    if (spec.root === undefined) report('/root', 'is missing: give the root filesystem as {"path": "rootfs"}')
    else if (spec.root.path === '')
      report('/root/path', 'is empty: give the path of the root filesystem, for example "rootfs"')
  },
}
