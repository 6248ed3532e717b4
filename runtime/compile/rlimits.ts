// SPDX-License-Identifier: Apache-2.0
import { exactInteger } from '../../spec/exact-integer.ts'
import type { POSIXRlimit } from '../../spec/runtime/process.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, findNamespace, invalid, origin } from './context.ts'

/** RLIMIT_* of <asm-generic/resource.h>; the index is the number. */
export const RLIMITS: readonly string[] = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
]

export const RLIM_INFINITY = 0xffffffffffffffffn

/** More descriptors than init itself can have open while it waits for start. */
const OWN_DESCRIPTORS = 512n

function toLimit(limit: POSIXRlimit, which: 'soft' | 'hard'): bigint {
  const value = exactInteger(limit, which)
  return value > RLIM_INFINITY ? RLIM_INFINITY : value
}

export interface RlimitPlan {
  /** By init, between its ids and its capabilities: it still has those of the caller. */
  readonly drop: readonly Op[]
  /** By the front, for an init in a user namespace: to raise a hard limit takes CAP_SYS_RESOURCE on the host. */
  readonly commit: readonly Op[]
  /** By init, last: only lowers, which needs no privilege. */
  readonly start: readonly Op[]
}

/** Resource limits. Spec: config.md#posix-process. Errors: invalid-config. */
export function compileRlimits({ process, linux }: CompileContext): RlimitPlan {
  const early: Op[] = []
  const start: Op[] = []
  for (const [index, limit] of (process.rlimits ?? []).entries()) {
    const from = origin(`/process/rlimits/${index}`, limit.type)
    const op: Op = { kind: 'prlimit', ...toArguments(limit, index), ...from }
    const { resource, soft, hard } = op
    if (limit.type !== 'RLIMIT_NOFILE' || soft >= OWN_DESCRIPTORS) {
      early.push(op)
      continue
    }
    if (hard >= OWN_DESCRIPTORS) early.push({ kind: 'prlimit', resource, soft: hard, hard, ...from })
    start.push(op)
  }
  // The front may not change the limits of another user without CAP_SYS_RESOURCE, which root can lack; but to the
  // user namespace that it has made it may do anything.
  const byFront = findNamespace(linux, 'user') !== undefined
  return byFront ? { drop: [], commit: early, start } : { drop: early, commit: [], start }
}

function toArguments(limit: POSIXRlimit, index: number): { resource: number; soft: bigint; hard: bigint } {
  const { type } = limit
  const resource = RLIMITS.indexOf(type)
  if (resource < 0) throw invalid(`/process/rlimits/${index}/type`, type, 'no such limit')
  return { resource, soft: toLimit(limit, 'soft'), hard: toLimit(limit, 'hard') }
}
