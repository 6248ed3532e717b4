// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import { type CgroupInput, type CgroupPlan, NO_CGROUPS } from '../cgroups/cgroup-plan.ts'
import type { PlanRequest } from '../facts/request.ts'
import { type CompileContext, hasFlag, option } from './context.ts'

export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled'

/** Who makes cgroups. Errors: usage for an unknown name, and for flags that contradict each other. */
export function cgroupManager(request: Pick<PlanRequest, 'options'>): CgroupManager {
  const systemd = hasFlag(request, 'systemd-cgroup')
  const name = option(request, 'cgroup-manager') || (systemd ? 'systemd' : 'cgroupfs')
  if (name !== 'cgroupfs' && name !== 'systemd' && name !== 'disabled') {
    throw new TsrunError('usage', `--cgroup-manager: ${JSON.stringify(name)} is none of cgroupfs, systemd, disabled`)
  }
  if (systemd && name !== 'systemd') {
    throw new TsrunError('usage', `--systemd-cgroup: contradicts --cgroup-manager ${name}; leave one of them out`)
  }
  return name
}

/** The container's cgroups by whoever makes them; without them the container stays in those of its caller. */
export function chooseCgroups(context: CompileContext, compile: (input: CgroupInput) => CgroupPlan): CgroupPlan {
  const { request, spec, facts, rootless, slots, linux } = context
  const manager = cgroupManager(request)
  if (manager === 'disabled') {
    if (hasLimits(linux.resources)) {
      context.warn('linux.resources: not in force, because of --cgroup-manager disabled')
    }
    return NO_CGROUPS
  }
  return compile({ spec, id: request.id, facts, rootless, slots, systemd: manager === 'systemd' })
}

/** Rules for devices are in every config, and engines know that they go with the cgroup. */
function hasLimits(resources: LinuxResources | undefined): boolean {
  return Object.entries(resources ?? {}).some(([key, value]) => key !== 'devices' && !isEmpty(value))
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && Object.values(value).every(isEmpty)
}
