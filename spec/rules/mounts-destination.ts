// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A mount needs a place. A relative one must be read from the root of the container, so it is no error.
 * Spec: config.md#mounts
 */
export const mountsDestination: Rule = {
  name: 'mounts-destination',
  section: 'config.md#mounts',
  field: '/mounts',
  check({ mounts }, report) {
    for (const [index, { destination }] of (mounts ?? []).entries()) {
      if (destination === '') report(`/mounts/${index}/destination`, 'is empty: write a path that starts with /')
    }
  },
}
