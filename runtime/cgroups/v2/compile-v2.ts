// SPDX-License-Identifier: Apache-2.0
import { invariant, TsrunError } from '../../../spec/error.ts'
import { pointerLabel } from '../../../spec/pointer.ts'
import type { FdSlot, Op, Tolerated } from '../../plan/ops.ts'
import { type CgroupWrite, toWriteOp } from '../cgroup-write.ts'
import type { CgroupContext, ContainerCgroup } from '../cgroup-plan.ts'
import { compileDeviceFilter } from '../device-filter.ts'
import { compileDevicePolicy } from '../device-policy.ts'
import { openUnified } from '../join.ts'
import { compileDelegation } from './delegate.ts'
import { compileResourcesV2 } from './resources.ts'

/** A cgroup may refuse a controller for many reasons; the limit that needed it then names it. */
const anyRefusal: readonly Tolerated[] = ['ENOENT', 'EPERM', 'EINVAL', 'ENOSYS', 'EBUSY', 'EROFS']

/** Names that stand before the dot of a file and need a controller to be enabled. */
const v2Controllers = new Set([
  'cpu',
  'cpuset',
  'dmem',
  'hugetlb',
  'io',
  'memory',
  'misc',
  'perf_event',
  'pids',
  'rdma',
])

/** Ops for a host with the unified hierarchy alone. Init is cloned straight into its cgroup. */
export function compileV2(context: CgroupContext): {
  prepare: Op[]
  setup: Op[]
  cgroupSlot: FdSlot | null
} {
  const { directory } = theCgroup(context)
  const { input, origin } = context
  // A limit that was asked for must not be lost because the cgroup could not be made.
  const tolerate = compileResourcesV2(context.resources).length > 0 ? [] : context.lenient
  const slot = input.slots.next()
  const prepare: Op[] = [
    { kind: 'cgroup-make', path: directory, flags: 0, ...origin, tolerate },
    ...limitCgroupV2(context),
    openUnified(directory, slot, origin, tolerate),
  ]
  return { prepare, setup: [], cgroupSlot: slot }
}

/** Ops for a cgroup that is there: its limits, its owner and its device rules. Errors: cgroup. */
export function limitCgroupV2(context: CgroupContext): Op[] {
  const cgroup = theCgroup(context)
  const limits = compileResourcesV2(context.resources)
  for (const write of limits) requireController(write, context)
  return [
    ...enableControllers(cgroup, limits, context),
    ...limits.map((write) => toWriteOp(cgroup.directory, write)),
    ...compileDelegation(cgroup, context),
    ...deviceFilter(cgroup, context),
  ]
}

function theCgroup({ cgroups }: CgroupContext): ContainerCgroup {
  const [cgroup] = cgroups
  invariant(cgroup !== undefined, 'v2 without a hierarchy')
  return cgroup
}

/**
 * A controller works in a cgroup when every ancestor hands it down. All of them are asked for in one
 * write; the kernel takes such a write as a whole or not at all, so those that limits need are asked for
 * once more by themselves.
 */
function enableControllers(
  cgroup: ContainerCgroup,
  limits: readonly CgroupWrite[],
  { origin, available = [], above }: CgroupContext,
): Op[] {
  if (available.length === 0) return []
  const needed = available.filter((name) => limits.some((write) => write.controller === name))
  const requests = [available, needed]
    .filter((names) => names.length > 0)
    .map((names) => names.map((name) => `+${name}`).join(' '))
  const ops: Op[] = []
  for (const directory of ancestors(above, cgroup.directory)) {
    for (const data of new Set(requests)) {
      const path = `${directory}/cgroup.subtree_control`
      ops.push({ kind: 'write-file', path, data, ...origin, tolerate: anyRefusal })
    }
  }
  return ops
}

/** From the topmost down to the parent. */
function ancestors(topmost: string, directory: string): string[] {
  const found = [topmost]
  const parts = directory.slice(topmost.length + 1).split('/')
  for (const part of parts.slice(0, -1)) found.push(`${found.at(-1)}/${part}`)
  return found
}

function deviceFilter(cgroup: ContainerCgroup, context: CgroupContext): Op[] {
  if (!context.devices) return []
  const policy = compileDevicePolicy(context.resources.devices ?? [])
  const pointer = policy.pointer.startsWith('/') ? '/linux/resources/devices' : policy.pointer
  return [
    {
      kind: 'device-filter',
      cgroup: cgroup.directory,
      insns: compileDeviceFilter(policy),
      cause: pointer,
      label: 'linux.resources.devices',
      ...(context.input.rootless && { tolerate: anyRefusal }),
    },
  ]
}

/** Errors: cgroup when the controller of a limit cannot be had. */
function requireController({ controller, pointer }: CgroupWrite, { available, missing }: CgroupContext): void {
  if (available === undefined || !v2Controllers.has(controller) || available.includes(controller)) return
  const why = missing?.(controller) || `is not available on this host (cgroup v2 offers: ${available.join(' ')})`
  throw new TsrunError('cgroup', `${pointerLabel(pointer)}: the controller ${controller} ${why}`, { pointer })
}
