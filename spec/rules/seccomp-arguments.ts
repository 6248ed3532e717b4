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
    linux?.seccomp?.syscalls?.forEach(({ names, args }, index) => {
      const at = `/linux/seccomp/syscalls/${index}`
      names.forEach((name, place) => {
        if (name === '') report(`${at}/names/${place}`, 'is empty: name a system call')
      })
      args?.forEach((arg, place) => {
        if (arg.index > 5) report(`${at}/args/${place}/index`, `${arg.index} is no argument: give 0 to 5`)
      })
    })
  },
}
