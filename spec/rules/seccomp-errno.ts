// SPDX-License-Identifier: Apache-2.0
import type { Report, Rule } from '../rule.ts'

/** The largest value each action can return. */
const LAST: Readonly<Record<string, number>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 }

function check(action: string, value: number | undefined, pointer: string, report: Report): void {
  if (value === undefined) return
  const last = LAST[action]
  if (last === undefined)
    report(pointer, `does not suit ${action}: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE return a value, remove it`)
  else if (value > last) report(pointer, `${value} is too large for ${action}: give at most ${last}`)
}

/**
 * An errno goes only with an action that returns one.
 * Spec: config-linux.md#seccomp
 */
export const seccompErrno: Rule = {
  name: 'seccomp-errno',
  section: 'config-linux.md#seccomp',
  field: '/linux/seccomp',
  check({ linux }, report) {
    const seccomp = linux?.seccomp
    if (seccomp === undefined) return
    check(seccomp.defaultAction, seccomp.defaultErrnoRet, '/linux/seccomp/defaultErrnoRet', report)
    for (const [index, { action, errnoRet }] of (seccomp.syscalls ?? []).entries()) {
      check(action, errnoRet, `/linux/seccomp/syscalls/${index}/errnoRet`, report)
    }
  },
}
