// SPDX-License-Identifier: Apache-2.0
import type { FdSlot, Op } from '../plan/ops.ts'
import { compileSeccompPolicy } from '../seccomp/policy.ts'
import { type CompileContext, origin } from './context.ts'
import { seccompStateTemplate } from './state-json.ts'

const SOCK_STREAM = 1
const FIELD = '/linux/seccomp'

export interface SeccompPlan {
  /** The compiled program, and the connection to the listener, in slots. */
  readonly prepare: readonly Op[]
  /** Loads it. From this op on the filter must allow whatever is called. */
  readonly load: readonly Op[]
}

/** The system call filter. Spec: config-linux.md#seccomp. Errors: invalid-config. */
export function compileSeccomp(context: CompileContext): SeccompPlan {
  const { linux, facts, slots } = context
  const { seccomp } = linux
  if (seccomp === undefined) return { prepare: [], load: [] }
  const { policy, key, flags, notify } = compileSeccompPolicy(seccomp, facts.machine)
  const program = slots.next()
  const prepare: Op[] = [{ kind: 'seccomp-prepare', key, policy, slot: program, ...origin(FIELD) }]
  let listener: FdSlot | null = null
  if (notify) {
    listener = slots.next()
    prepare.push({
      kind: 'connect',
      path: seccomp.listenerPath ?? '',
      socktype: SOCK_STREAM,
      slot: listener,
      cause: `${FIELD}/listenerPath`,
      // Callers look for these words.
      label: 'linux.seccomp.listenerPath: failed to connect with seccomp agent',
    })
  }
  const state = notify ? seccompStateTemplate(context) : ''
  return { prepare, load: [{ kind: 'seccomp', program, flags, listener, state, ...origin(FIELD) }] }
}

/**
 * Without no_new_privs, loading a filter takes CAP_SYS_ADMIN. Init keeps it until execve, which takes it away again:
 * execve computes the permitted set anew, from the bounding, inheritable and ambient sets, and it is in none of them.
 */
export function needsAdminForSeccomp({ linux, process }: CompileContext): boolean {
  return linux.seccomp !== undefined && process.noNewPrivileges !== true
}
