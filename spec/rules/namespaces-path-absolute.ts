// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * The file of a namespace to join is named by an absolute path.
 * Spec: config-linux.md#namespaces
 */
export const namespacesPathAbsolute: Rule = {
  name: 'namespaces-path-absolute',
  section: 'config-linux.md#namespaces',
  field: '/linux/namespaces',
  check({ linux }, report) {
    for (const [index, { path = '' }] of (linux?.namespaces ?? []).entries()) {
      if (path !== '' && !path.startsWith('/')) {
        report(
          `/linux/namespaces/${index}/path`,
          `${JSON.stringify(path)} is not absolute: write a path that starts with /`,
        )
      }
    }
  },
}
