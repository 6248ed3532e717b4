// SPDX-License-Identifier: Apache-2.0
import type { IOPriorityClass } from '../../spec/runtime/process.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

/** IOPRIO_CLASS_* of <linux/ioprio.h>. */
export const IO_PRIORITY_CLASS: Readonly<Record<IOPriorityClass, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
}

/** The class stands above the level. */
export const IO_PRIORITY_SHIFT = 13

/** Spec: config.md#linux-process */
export function compileIoPriority({ process }: CompileContext): Op[] {
  const { ioPriority } = process
  if (ioPriority === undefined) return []
  const value = (IO_PRIORITY_CLASS[ioPriority.class] << IO_PRIORITY_SHIFT) | (ioPriority.priority ?? 0)
  return [{ kind: 'io-priority', value, ...origin('/process/ioPriority', ioPriority.class) }]
}
