// SPDX-License-Identifier: Apache-2.0
import type { CPUAffinity } from '../../spec/runtime/process.ts'
import type { Op } from '../plan/ops.ts'
import { byRuntime, type CompileContext, origin } from './context.ts'
import { toNumberMask } from './number-mask.ts'

/** The op takes an empty mask for every CPU there may ever be; what the cgroup leaves out is left out by the kernel. */
const ALL = new Uint8Array(0)

/**
 * CPUs of an exec'd process. `initial` counts before it enters the container's cgroups, so the front takes it on and
 * hands it down; `final` counts after. Not applicable to init. Whoever is told nothing may run on all CPUs: those of the
 * caller are the caller's own. Spec: config.md#linux-process
 */
export function compileCpuAffinity({ process, request }: CompileContext, when: keyof CPUAffinity): Op[] {
  const wanted = (name: keyof CPUAffinity): string =>
    request.verb === 'exec' ? (process.execCPUAffinity?.[name] ?? '').trim() : ''
  const list = wanted(when)
  const pointer = `/process/execCPUAffinity/${when}`
  if (list !== '') return [{ kind: 'cpu-affinity', mask: toNumberMask(list, pointer, 'CPU'), ...origin(pointer, list) }]
  if (when === 'initial' || wanted('initial') !== '') return []
  return [{ kind: 'cpu-affinity', mask: ALL, ...byRuntime('CPUs'), tolerate: ['EINVAL', 'EPERM', 'ENOSYS'] }]
}
