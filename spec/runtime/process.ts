// SPDX-License-Identifier: Apache-2.0
import type { User } from './user.ts'

/** The program to run, and all that is set up around it. Spec: config.md#process */
export interface Process {
  readonly terminal?: boolean | undefined
  readonly consoleSize?: Box | undefined
  readonly user: User
  readonly args?: readonly string[] | undefined
  /** Windows only. */
  readonly commandLine?: string | undefined
  readonly env?: readonly string[] | undefined
  readonly cwd: string
  readonly capabilities?: LinuxCapabilities | undefined
  readonly rlimits?: readonly POSIXRlimit[] | undefined
  readonly noNewPrivileges?: boolean | undefined
  readonly apparmorProfile?: string | undefined
  readonly oomScoreAdj?: number | undefined
  readonly scheduler?: Scheduler | undefined
  readonly selinuxLabel?: string | undefined
  readonly ioPriority?: LinuxIOPriority | undefined
  readonly execCPUAffinity?: CPUAffinity | undefined
}

/** A terminal's size in characters. */
export interface Box {
  readonly height: number
  readonly width: number
}

export interface LinuxCapabilities {
  readonly bounding?: readonly string[] | undefined
  readonly effective?: readonly string[] | undefined
  readonly inheritable?: readonly string[] | undefined
  readonly permitted?: readonly string[] | undefined
  readonly ambient?: readonly string[] | undefined
}

export interface POSIXRlimit {
  readonly type: string
  readonly hard: number
  readonly soft: number
}

export type LinuxSchedulerPolicy =
  | 'SCHED_OTHER'
  | 'SCHED_FIFO'
  | 'SCHED_RR'
  | 'SCHED_BATCH'
  | 'SCHED_ISO'
  | 'SCHED_IDLE'
  | 'SCHED_DEADLINE'

export type LinuxSchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX'

/** Arguments of sched_setattr. Spec: config.md#linux-process */
export interface Scheduler {
  readonly policy: LinuxSchedulerPolicy
  readonly nice?: number | undefined
  readonly priority?: number | undefined
  readonly flags?: readonly LinuxSchedulerFlag[] | undefined
  /** Nanoseconds, as are deadline and period. */
  readonly runtime?: number | undefined
  readonly deadline?: number | undefined
  readonly period?: number | undefined
}

export type IOPriorityClass = 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'

export interface LinuxIOPriority {
  readonly class: IOPriorityClass
  readonly priority?: number | undefined
}

/** CPU lists for exec, before and after the cgroup is joined. */
export interface CPUAffinity {
  readonly initial?: string | undefined
  readonly final?: string | undefined
}
