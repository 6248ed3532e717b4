// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import {
  type CgroupContext,
  type CgroupInput,
  type CgroupPlan,
  type ContainerCgroup,
  NO_CGROUPS,
} from './cgroup-plan.ts'
import { containerDirectory } from './container-paths.ts'
import { finishPlan, isInitialUserNamespace, noPermission, resourceWarnings } from './finish-plan.ts'
import { parseCgroupLayout } from './hierarchies.ts'
import { compileSystemd } from './systemd/compile-systemd.ts'
import { compileV1 } from './v1/compile-v1.ts'
import { compileV2 } from './v2/compile-v2.ts'

export type { CgroupInput, CgroupPlan } from './cgroup-plan.ts'

/**
 * Compiles cgroupsPath and resources to ops for the driver that was chosen.
 * Spec: config-linux.md#control-groups. Errors: invalid-config, not-supported, cgroup.
 */
export function compileCgroups(input: CgroupInput): CgroupPlan {
  const { spec, id, facts, rootless } = input
  const layout = parseCgroupLayout(facts.mountinfo, facts.cgroup)
  const resources = spec.linux?.resources ?? {}
  if (input.systemd) return compileSystemd(input, layout)
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
    available: facts.cgroupControllers?.split(/\s+/).filter((name) => name !== ''),
    above: layout.hierarchies[0]?.mountPoint ?? '',
  }
  const compiled = layout.mode === 'v2' ? compileV2(context) : compileV1(context)
  return finishPlan(context, layout, { ...compiled, adopt: [], undo: [] })
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
  return { ...NO_CGROUPS, warnings: resourceWarnings(resources) }
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).every((item) => item === undefined || isEmpty(item))
}
