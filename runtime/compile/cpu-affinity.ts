// SPDX-License-Identifier: Apache-2.0
import type { CPUAffinity } from '../../spec/runtime/process.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'
import { toNumberMask } from './number-mask.ts'

/**
 * CPUs of an exec'd process. `initial` counts before it enters the container's cgroups, so the front takes it on and
 * hands it down; `final` counts after. Not applicable to init. Spec: config.md#linux-process
 */
export function compileCpuAffinity({ process, request }: CompileContext, when: keyof CPUAffinity): Op[] {
  const list = request.verb === 'exec' ? (process.execCPUAffinity?.[when] ?? '').trim() : ''
  if (list === '') return []
  const pointer = `/process/execCPUAffinity/${when}`
  return [{ kind: 'cpu-affinity', mask: toNumberMask(list, pointer), ...origin(pointer, list) }]
}
