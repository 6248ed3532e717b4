// SPDX-License-Identifier: Apache-2.0
import { exactInteger } from '../../spec/exact-integer.ts'
import type { LinuxSchedulerFlag, LinuxSchedulerPolicy } from '../../spec/runtime/process.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

/** SCHED_* of <linux/sched.h>. */
export const SCHEDULER_POLICY: Readonly<Record<LinuxSchedulerPolicy, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
}

/** SCHED_FLAG_* of <linux/sched.h>. */
export const SCHEDULER_FLAG: Readonly<Record<LinuxSchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
}

/**
 * Attributes of the process, for the section `drop` or for `commit`. The process of `exec` is forked once more after
 * `drop`, which SCHED_FLAG_RESET_ON_FORK would count: there the front sets them. Spec: config.md#linux-process
 */
export function compileScheduler({ process, request }: CompileContext, section: 'drop' | 'commit'): Op[] {
  const { scheduler } = process
  if (scheduler === undefined || (section === 'commit') !== (request.verb === 'exec')) return []
  return [
    {
      kind: 'scheduler',
      policy: SCHEDULER_POLICY[scheduler.policy],
      flags: BigInt((scheduler.flags ?? []).reduce((bits, name) => bits | SCHEDULER_FLAG[name], 0)),
      nice: scheduler.nice ?? 0,
      priority: scheduler.priority ?? 0,
      runtime: exactInteger(scheduler, 'runtime'),
      deadline: exactInteger(scheduler, 'deadline'),
      period: exactInteger(scheduler, 'period'),
      ...origin('/process/scheduler', scheduler.policy),
    },
  ]
}
