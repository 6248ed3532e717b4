// SPDX-License-Identifier: Apache-2.0
import type { MemoryPolicyFlagType, MemoryPolicyModeType } from '../../spec/runtime/linux.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'
import { toNumberMask } from './number-mask.ts'

/** MPOL_* of <linux/mempolicy.h>. */
export const MEMORY_POLICY_MODE: Readonly<Record<MemoryPolicyModeType, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
}

export const MEMORY_POLICY_FLAG: Readonly<Record<MemoryPolicyFlagType, number>> = {
  MPOL_F_STATIC_NODES: 1 << 15,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_NUMA_BALANCING: 1 << 13,
}

/** Spec: config-linux.md#memory-policy */
export function compileMemoryPolicy({ linux }: CompileContext): Op[] {
  const { memoryPolicy } = linux
  if (memoryPolicy === undefined) return []
  const flags = (memoryPolicy.flags ?? []).reduce((bits, name) => bits | MEMORY_POLICY_FLAG[name], 0)
  return [
    {
      kind: 'memory-policy',
      mode: MEMORY_POLICY_MODE[memoryPolicy.mode] | flags,
      nodes: toNumberMask(memoryPolicy.nodes ?? '', '/linux/memoryPolicy/nodes', 'memory policy node'),
      ...origin('/linux/memoryPolicy', memoryPolicy.mode),
    },
  ]
}
