// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * A system call has a name and six arguments.
 * Spec: config-linux.md#seccomp
 */
export const seccompArguments: Rule = {
  name: 'seccomp-arguments',
  section: 'config-linux.md#seccomp',
  field: '/linux/seccomp',
  check({ linux }, report) {
    for (const [index, { names, args = [] }] of (linux?.seccomp?.syscalls ?? []).entries()) {
      const at = `/linux/seccomp/syscalls/${index}`
      const empty = names.indexOf('')
      if (empty !== -1) report(`${at}/names/${empty}`, 'is empty: name a system call')
      for (const [place, arg] of args.entries()) {
        if (arg.index > 5) report(`${at}/args/${place}/index`, `${arg.index} is no argument: give 0 to 5`)
      }
    }
  },
}
