// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * maskedPaths must be absolute.
 * Spec: config-linux.md#masked-paths
 */
export const maskedPathsAbsolute: Rule = {
  name: 'masked-paths-absolute',
  section: 'config-linux.md#masked-paths',
  field: '/linux/maskedPaths',
  check({ linux }, report) {
    for (const [index, path] of (linux?.maskedPaths ?? []).entries()) {
      if (!path.startsWith('/'))
        report(
          `/linux/maskedPaths/${index}`,
          `${JSON.stringify(path)} is not absolute: write a path that starts with /`,
        )
    }
  },
}
