// SPDX-License-Identifier: Apache-2.0
import type { FdSlot, Op, Provenance, Tolerated } from '../plan/ops.ts'

const O_WRONLY = 0o1
const O_DIRECTORY = 0o200000
const O_CLOEXEC = 0o2000000
const O_PATH = 0o10000000

/** Opens what a single-threaded process joins a v1 cgroup by. */
export function openTasks(directory: string, slot: FdSlot, origin: Provenance, tolerate: readonly Tolerated[]): Op {
  // `tasks` and not `cgroup.procs`: the latter takes a lock over all thread groups of the host, which
  // makes the kernel wait for every CPU.
  return { kind: 'open', path: `${directory}/tasks`, flags: O_WRONLY | O_CLOEXEC, slot, ...origin, tolerate }
}

/** Opens a directory of the unified hierarchy for CLONE_INTO_CGROUP. */
export function openUnified(directory: string, slot: FdSlot, origin: Provenance, tolerate: readonly Tolerated[]): Op {
  return { kind: 'open', path: directory, flags: O_PATH | O_DIRECTORY | O_CLOEXEC, slot, ...origin, tolerate }
}
