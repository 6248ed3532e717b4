// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A destination should be absolute; a relative one must be read from the root of the container.
 * Spec: config.md#mounts
 */
export const mountsDestinationRelative: Rule = {
  name: 'mounts-destination-relative',
  section: 'config.md#mounts',
  field: '/mounts',
  check({ mounts }, report) {
    for (const [index, { destination }] of (mounts ?? []).entries()) {
      if (destination !== '' && !destination.startsWith('/')) {
        report(
          `/mounts/${index}/destination`,
          `${JSON.stringify(destination)} is not absolute, which is deprecated: it counts from the root of the container`,
        )
      }
    }
  },
}
