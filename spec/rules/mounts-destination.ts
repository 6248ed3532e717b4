// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A destination must be absolute.
 * DIFFERS: the specification lets Linux runtimes read a relative one from / for the sake of old tools, and runc does so
 * with a warning. No current tool writes one; a mistyped path is told rather than mounted elsewhere.
 * Spec: config.md#mounts
 */
export const mountsDestination: Rule = {
  name: 'mounts-destination',
  section: 'config.md#mounts',
  field: '/mounts',
  check({ mounts }, report) {
    mounts?.forEach(({ destination }, index) => {
      if (!destination.startsWith('/')) {
        report(
          `/mounts/${index}/destination`,
          `${JSON.stringify(destination)} is not absolute: write a path that starts with /`,
        )
      }
    })
  },
}
