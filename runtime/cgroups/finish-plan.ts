// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import type { FdSlot, Op, Tolerated } from '../plan/ops.ts'
import type { CgroupContext, CgroupPlan, ContainerCgroup } from './cgroup-plan.ts'
import { compileFreezer } from './freezer.ts'
import type { CgroupLayout } from './hierarchies.ts'
import type { Unit } from './systemd/unit.ts'
import { warningsV2 } from './v2/memory.ts'

/** Errors that tell a caller without privileges that it may not manage cgroups. */
export const noPermission: readonly Tolerated[] = ['EPERM', 'EROFS', 'ENOENT', 'EBUSY', 'EINVAL']

const REMOVE_KILL = 1

/** What a driver adds to what all plans have. */
export interface CompiledCgroups {
  readonly prepare: readonly Op[]
  readonly adopt: readonly Op[]
  readonly setup: readonly Op[]
  readonly cgroupSlot: FdSlot | null
  /** After the container's main cgroup, and with it all processes, is gone. */
  readonly undo: readonly Op[]
  readonly unit?: Unit | undefined
}

export function finishPlan(context: CgroupContext, layout: CgroupLayout, compiled: CompiledCgroups): CgroupPlan {
  const { cgroups, origin, resources } = context
  const main = mainCgroup(cgroups)
  const freezer = compileFreezer(main)
  const undo: Op[] = [
    // It comes first: once the processes in it are gone, so are those in all others.
    { kind: 'cgroup-remove', path: main.directory, flags: REMOVE_KILL, ...origin },
    ...compiled.undo,
  ]
  for (const cgroup of cgroups) {
    if (cgroup !== main) undo.push({ kind: 'cgroup-remove', path: cgroup.directory, flags: 0, ...origin })
  }
  return {
    mode: layout.mode,
    layout,
    prepare: [vacancyCheck(main, context), ...compiled.prepare],
    adopt: compiled.adopt,
    setup: compiled.setup,
    undo,
    pause: freezer.pause,
    resume: freezer.resume,
    cgroupSlot: compiled.cgroupSlot,
    freezerFile: freezer.file,
    killDir: main.directory,
    procsDirs: [main.directory],
    paths: statePaths(cgroups),
    unit: compiled.unit,
    warnings: [...resourceWarnings(resources), ...(layout.mode === 'v2' ? warningsV2(resources) : [])],
  }
}

/** The cgroup that stands for all: with the freezer on v1, the only one on v2. */
function mainCgroup(cgroups: readonly ContainerCgroup[]): ContainerCgroup {
  const main = findCarrier(cgroups, 'freezer') ?? findCarrier(cgroups, 'devices') ?? cgroups[0]
  if (main === undefined) throw new TsrunError('cgroup', 'cgroup: no hierarchy is mounted')
  return main
}

function findCarrier(cgroups: readonly ContainerCgroup[], controller: string): ContainerCgroup | undefined {
  for (const cgroup of cgroups) if (cgroup.hierarchy.controllers.includes(controller)) return cgroup
  return undefined
}

/** Before the directory is made: nearly always there is none, and that is the quickest answer. */
export function vacancyCheck({ directory }: ContainerCgroup, { origin, lenient }: CgroupContext): Op {
  return { kind: 'cgroup-vacant', path: directory, ...origin, tolerate: ['ENOENT', ...lenient] }
}

function statePaths(cgroups: readonly ContainerCgroup[]): Record<string, string> {
  const paths: Record<string, string> = {}
  for (const { hierarchy, directory } of cgroups) {
    if (hierarchy.version === 2) paths[''] = directory
    for (const controller of hierarchy.controllers) paths[controller] = directory
  }
  return paths
}

/** The map of the initial user namespace covers every id. */
export function isInitialUserNamespace(uidMap: string): boolean {
  return uidMap.trimEnd().endsWith(' 4294967295')
}

/** A limit of kernel memory, which there is no more, is told by spec/. */
export function resourceWarnings({ memory }: LinuxResources): string[] {
  if (memory?.useHierarchy !== false) return []
  return ['linux.resources.memory.useHierarchy: ignored, memory is always accounted hierarchically']
}
