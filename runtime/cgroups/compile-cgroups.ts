// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import type { Op, Tolerated } from '../plan/ops.ts'
import {
  type CgroupContext,
  type CgroupInput,
  type CgroupPlan,
  type ContainerCgroup,
  NO_CGROUPS,
} from './cgroup-plan.ts'
import { containerDirectory } from './container-paths.ts'
import { compileFreezer } from './freezer.ts'
import { parseCgroupLayout } from './hierarchies.ts'
import { compileV1 } from './v1/compile-v1.ts'
import { compileV2 } from './v2/compile-v2.ts'

export type { CgroupInput, CgroupPlan } from './cgroup-plan.ts'

/** Errors that tell a caller without privileges that it may not manage cgroups. */
const noPermission: readonly Tolerated[] = ['EPERM', 'EROFS', 'ENOENT', 'EBUSY', 'EINVAL']

/**
 * Compiles cgroupsPath and resources to ops for the cgroupfs driver.
 * Spec: config-linux.md#control-groups. Errors: invalid-config, not-supported, cgroup.
 */
export function compileCgroups(input: CgroupInput): CgroupPlan {
  const { spec, id, facts, rootless } = input
  if (input.systemd) {
    throw new TsrunError(
      'not-supported',
      '--systemd-cgroup: the systemd cgroup driver is not supported; leave the flag out and use a cgroupsPath like "/parent/name"',
    )
  }
  const layout = parseCgroupLayout(facts.mountinfo, facts.cgroup)
  const resources = spec.linux?.resources ?? {}
  if (layout.mode === 'none') return withoutCgroups(resources, rootless)

  const asked = spec.linux?.cgroupsPath || undefined
  const cgroups: ContainerCgroup[] = []
  for (const hierarchy of layout.hierarchies) {
    cgroups.push({ hierarchy, directory: containerDirectory(hierarchy, asked, id, layout.mode === 'v2') })
  }
  const lenient = rootless && asked === undefined ? noPermission : []
  const label = asked === undefined ? 'cgroup' : `linux.cgroupsPath (${asked})`
  const context: CgroupContext = {
    input,
    resources,
    cgroups,
    origin: { cause: asked === undefined ? 'runtime' : '/linux/cgroupsPath', label },
    lenient,
    devices: isInitialUserNamespace(facts.uidMap),
  }
  const compiled = layout.mode === 'v2' ? compileV2(context) : compileV1(context)
  const main = mainCgroup(cgroups)
  const freezer = compileFreezer(main)
  return {
    mode: layout.mode,
    layout,
    prepare: [vacancyCheck(main, context), ...compiled.prepare],
    adopt: [],
    setup: compiled.setup,
    undo: removal(main, context),
    pause: freezer.pause,
    resume: freezer.resume,
    cgroupSlot: compiled.cgroupSlot,
    freezerFile: freezer.file,
    killDir: main.directory,
    procsDirs: [main.directory],
    paths: statePaths(cgroups),
    warnings: warnings(resources),
  }
}

const REMOVE_KILL = 1

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

/** The main cgroup comes first: once the processes in it are gone, so are those in all others. */
function removal(main: ContainerCgroup, { cgroups, origin }: CgroupContext): Op[] {
  const ops: Op[] = [{ kind: 'cgroup-remove', path: main.directory, flags: REMOVE_KILL, ...origin }]
  for (const cgroup of cgroups) {
    if (cgroup !== main) ops.push({ kind: 'cgroup-remove', path: cgroup.directory, flags: 0, ...origin })
  }
  return ops
}

/** Before the directory is made: nearly always there is none, and that is the quickest answer. */
function vacancyCheck(main: ContainerCgroup, context: CgroupContext): Op {
  return {
    kind: 'cgroup-vacant',
    path: main.directory,
    ...context.origin,
    tolerate: ['ENOENT', ...context.lenient],
  }
}

function statePaths(cgroups: readonly ContainerCgroup[]): Record<string, string> {
  const paths: Record<string, string> = {}
  for (const { hierarchy, directory } of cgroups) {
    if (hierarchy.version === 2) paths[''] = directory
    for (const controller of hierarchy.controllers) paths[controller] = directory
  }
  return paths
}

function withoutCgroups(resources: LinuxResources, rootless: boolean): CgroupPlan {
  const limit = Object.entries(resources).find(
    ([key, value]) => value !== undefined && !(rootless && key === 'devices') && !isEmpty(value),
  )
  if (limit !== undefined) {
    const pointer = `/linux/resources/${limit[0]}`
    throw new TsrunError(
      'cgroup',
      `${pointerLabel(pointer)}: no cgroup hierarchy is mounted; mount one below /sys/fs/cgroup`,
      { pointer },
    )
  }
  return { ...NO_CGROUPS, warnings: warnings(resources) }
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).every((item) => item === undefined || isEmpty(item))
}

/** The map of the initial user namespace covers every id. */
function isInitialUserNamespace(uidMap: string): boolean {
  return uidMap.trimEnd().endsWith(' 4294967295')
}

/** Limits of kernel memory, which there are no more, are told by spec/. */
function warnings({ memory }: LinuxResources): string[] {
  if (memory?.useHierarchy !== false) return []
  return ['linux.resources.memory.useHierarchy: ignored, memory is always accounted hierarchically']
}
