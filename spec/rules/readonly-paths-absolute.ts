// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * readonlyPaths must be absolute.
 * Spec: config-linux.md#readonly-paths
 */
export const readonlyPathsAbsolute: Rule = {
  name: 'readonly-paths-absolute',
  section: 'config-linux.md#readonly-paths',
  field: '/linux/readonlyPaths',
  check({ linux }, report) {
    for (const [index, path] of (linux?.readonlyPaths ?? []).entries()) {
      if (!path.startsWith('/'))
        report(
          `/linux/readonlyPaths/${index}`,
          `${JSON.stringify(path)} is not absolute: write a path that starts with /`,
        )
    }
  },
}
