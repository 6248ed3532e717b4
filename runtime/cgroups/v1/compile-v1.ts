// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import { pointerLabel } from '../../../spec/pointer.ts'
import type { FdSlot, Op, Provenance, Tolerated } from '../../plan/ops.ts'
import { type CgroupWrite, toWriteOp } from '../cgroup-write.ts'
import type { CgroupContext, ContainerCgroup } from '../cgroup-plan.ts'
import { compileDevicePolicy } from '../device-policy.ts'
import type { Hierarchy } from '../hierarchies.ts'
import { openTasks, openUnified } from '../join.ts'
import { compileDevicesV1 } from './devices.ts'
import { compileResourcesV1 } from './resources.ts'

const MAKE_CPUSET = 1

/** Without privileges over the host, device nodes of the host are out of reach in any case. */
const noDevices: readonly Tolerated[] = ['EPERM', 'ENOENT', 'EROFS']

/**
 * Ops for v1 hierarchies and, on hybrid hosts, the unified one beside them: every mounted hierarchy
 * gets the container's cgroup, with its limits in force before init enters.
 */
export function compileV1(context: CgroupContext): {
  prepare: Op[]
  setup: Op[]
  cgroupSlot: FdSlot | null
} {
  const prepare: Op[] = []
  const setup: Op[] = []
  let cgroupSlot: FdSlot | null = null
  for (const { hierarchy, directory, ops, origin, tolerate } of limitedCgroups(context)) {
    prepare.push(...ops)
    const slot = context.input.slots.next()
    if (hierarchy.version === 2) {
      cgroupSlot = slot
      prepare.push(openUnified(directory, slot, origin, tolerate))
    } else {
      prepare.push(openTasks(directory, slot, origin, tolerate))
      setup.push({ kind: 'join-cgroup', slot, ...origin, tolerate })
    }
  }
  return { prepare, setup, cgroupSlot }
}

/** The same without a way in. Errors: cgroup. */
export function limitCgroupsV1(context: CgroupContext): Op[] {
  return limitedCgroups(context).flatMap(({ ops }) => ops)
}

interface LimitedCgroup extends ContainerCgroup {
  /** Make the directory, write the limits. */
  readonly ops: readonly Op[]
  readonly origin: Provenance
  readonly tolerate: readonly Tolerated[]
}

function limitedCgroups(context: CgroupContext): LimitedCgroup[] {
  const limits = compileResourcesV1(context.resources)
  const deviceWrites = compileDevices(context)
  for (const write of limits) requireController(write, context)
  for (const write of deviceWrites) requireController(write, context)
  // A limit that was asked for must not be lost because its cgroup could not be made.
  const limited = new Set<string>()
  for (const { controller } of limits) limited.add(controller)
  return context.cgroups.map(({ hierarchy, directory }) => {
    const tolerate = hasAny(hierarchy, limited) ? [] : context.lenient
    const flags = hierarchy.controllers.includes('cpuset') ? MAKE_CPUSET : 0
    const origin = originIn(hierarchy, context.origin)
    const ops: Op[] = [{ kind: 'cgroup-make', path: directory, flags, ...origin, tolerate }]
    for (const writes of [limits, deviceWrites]) {
      for (const write of writes) {
        if (hierarchy.controllers.includes(write.controller)) ops.push(toWriteOp(directory, write))
      }
    }
    return { hierarchy, directory, ops, origin, tolerate }
  })
}

function originIn(hierarchy: Hierarchy, { cause, label }: Provenance): Provenance {
  const names = hierarchy.version === 2 ? 'unified' : hierarchy.controllers.join(',')
  return { cause, label: `${label} [${names}]` }
}

function compileDevices(context: CgroupContext): readonly CgroupWrite[] {
  if (!context.devices) return []
  const writes = compileDevicesV1(compileDevicePolicy(context.resources.devices ?? []))
  if (!context.input.rootless) return writes
  return hasController(context, 'devices') ? writes.map((write) => ({ ...write, tolerate: noDevices })) : []
}

function hasController(context: CgroupContext, controller: string): boolean {
  for (const { hierarchy } of context.cgroups) if (hierarchy.controllers.includes(controller)) return true
  return false
}

function hasAny({ controllers }: Hierarchy, wanted: ReadonlySet<string>): boolean {
  for (const name of controllers) if (wanted.has(name)) return true
  return false
}

/** Errors: cgroup when no hierarchy carries the controller of a limit. */
function requireController(write: CgroupWrite, context: CgroupContext): void {
  if (hasController(context, write.controller)) return
  const field = write.pointer.startsWith('/') ? write.pointer : `/linux/resources/${write.controller}`
  throw new TsrunError(
    'cgroup',
    `${pointerLabel(field)}: no cgroup v1 hierarchy with the controller ${write.controller} is mounted on this host`,
    { pointer: field },
  )
}
