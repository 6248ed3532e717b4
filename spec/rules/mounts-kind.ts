// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/** Options that change a mount which is there already, and so need neither type nor source. */
const CHANGES: ReadonlySet<string> = new Set([
  ...['remount', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'],
])

/**
 * A mount is a bind mount of a source, or a filesystem of a type.
 * Spec: config.md#posix-platform-mounts
 */
export const mountsKind: Rule = {
  name: 'mounts-kind',
  section: 'config.md#posix-platform-mounts',
  field: '/mounts',
  check({ mounts }, report) {
    for (const [index, { type = '', source = '', options = [] }] of (mounts ?? []).entries()) {
      const bind = options.includes('bind') || options.includes('rbind')
      if (bind && source === '') report(`/mounts/${index}/source`, 'is missing: give the file or directory to bind')
      if (!bind && type === '' && !options.some((option) => CHANGES.has(option))) {
        report(`/mounts/${index}/type`, 'is missing: give a filesystem type, or the option "bind"')
      }
    }
  },
}
