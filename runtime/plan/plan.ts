// SPDX-License-Identifier: Apache-2.0
import type { FdSlot, Op, SectionName } from './ops.ts'

/** What the verbs without a planner need to know; texts that are templates hold PLACEHOLDER bytes. */
export interface PlanFields {
  readonly id: string
  /** Template of state.json. */
  readonly stateJson: string
  /** Template of what `state` prints. */
  readonly stateOutput: string
  /** cgroup.freeze or freezer.state; '' without a freezer. */
  readonly freezerFile: string
  /** Cgroup directory whose processes are the container's; '' without cgroups. */
  readonly killDir: string
  /** Init has no pid namespace of its own: its death does not end the other processes. */
  readonly sharesPidNamespace: boolean
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  /** Cgroup directories that `ps` searches. */
  readonly procsDirs: readonly string[]
}

/** How init comes to life: control flow of the executor, not ops. */
export interface Spawn {
  /** CLONE_NEW* of the namespaces to make. */
  readonly cloneFlags: number
  /** Namespaces to join, in order. */
  readonly joins: readonly { readonly slot: FdSlot; readonly type: number }[]
  /** Text for /proc/PID/timens_offsets; '' without offsets. */
  readonly timeOffsets: string
  /** Directory for CLONE_INTO_CGROUP. */
  readonly cgroupSlot: FdSlot | null
  readonly terminal: boolean
  /** Joins and time namespaces need a process in between. */
  readonly stage: boolean
  /** Join the namespaces of the container's init. */
  readonly exec: boolean
  /** Whoever may trace init may look at it before it is the user process. */
  readonly dumpable: boolean
}

export interface Plan {
  readonly sections: Readonly<Record<SectionName, readonly Op[]>>
  readonly fields: PlanFields
  readonly spawn: Spawn
  /** Number of slots that ops use. */
  readonly slots: number
  readonly warnings: readonly string[]
}

/** Bytes in templates that the executor replaces. No JSON text holds them. */
export const PLACEHOLDER = { pid: '\x01', status: '\x02', startTime: '\x03' } as const
