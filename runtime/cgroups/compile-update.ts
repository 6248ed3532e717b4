// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { LinuxMemory, LinuxResources } from '../../spec/runtime/resources.ts'
import type { CgroupWrite } from './cgroup-write.ts'
import { type ReadCgroupFile, readLimitsV1, readLimitsV2, readQuotaV1 } from './limits-in-force.ts'
import { propertiesV1 } from './systemd/properties-v1.ts'
import { propertiesV2 } from './systemd/properties-v2.ts'
import type { UnitProperty } from './systemd/property.ts'
import { compileResourcesV1 } from './v1/resources.ts'
import { warningsV2 } from './v2/memory.ts'
import { compileResourcesV2 } from './v2/resources.ts'

/** Controller -> directory of the container; '' is the unified hierarchy. */
export type CgroupPaths = Readonly<Record<string, string>>

/** A limit to be changed, and the directory of its file. */
export interface LimitChange extends CgroupWrite {
  readonly directory: string
}

/** What `update` does to the cgroups of a container. */
export interface CgroupUpdate {
  readonly changes: readonly LimitChange[]
  /** The same for systemd, when it has made the cgroup. */
  readonly properties: readonly UnitProperty[]
  readonly warnings: readonly string[]
}

const base = '/linux/resources'

/** True for a container whose limits are all in the unified hierarchy. */
export function isUnified(paths: CgroupPaths): boolean {
  return paths[''] !== undefined && Object.keys(paths).length === 1
}

/** Directory whose files of a controller are meant; undefined when no hierarchy carries it. */
export function controllerDirectory(paths: CgroupPaths, controller: string): string | undefined {
  return isUnified(paths) ? paths[''] : paths[controller]
}

/**
 * New limits of a container as writes. Members that are zero mean "as it is", unless zero is a value of theirs (burst,
 * idle, swappiness). Device rules stay as they are. Errors: invalid-config, not-supported, cgroup.
 */
export function compileUpdate(resources: LinuxResources, paths: CgroupPaths, read: ReadCgroupFile): CgroupUpdate {
  const wanted = withoutDevices(resources)
  const unified = isUnified(paths)
  if (unified && wanted.memory?.checkBeforeUpdate) checkUsage(wanted.memory, read)
  const writes = unified
    ? compileResourcesV2(wanted, readLimitsV2(read))
    : compileResourcesV1(wanted, readLimitsV1(read))
  return {
    changes: writes.map((write) => ({ ...write, directory: directoryOf(write, paths) })),
    properties: unified ? propertiesV2(writes) : propertiesV1(writes, readQuotaV1(read)),
    warnings: [...warn(resources), ...(unified ? warningsV2(resources) : [])],
  }
}

function withoutDevices({ devices: _, ...resources }: LinuxResources): LinuxResources {
  return resources
}

function directoryOf(write: CgroupWrite, paths: CgroupPaths): string {
  const directory = controllerDirectory(paths, write.controller)
  if (directory !== undefined) return directory
  const why =
    Object.keys(paths).length === 0
      ? 'the container has no cgroup'
      : `the container has no cgroup with the controller ${write.controller}`
  throw new TsrunError('cgroup', `${pointerLabel(write.pointer)}: ${why}`, { pointer: write.pointer })
}

/** v1 refuses a limit that is in use, v2 kills for it. Spec: config-linux.md#memory */
function checkUsage({ limit = 0, swap = 0 }: LinuxMemory, read: ReadCgroupFile): void {
  const usage = Number(read('memory', 'memory.current') ?? Number.NaN)
  const refuse = (field: string, name: string, value: number): void => {
    if (value <= 0 || !(value <= usage)) return
    const pointer = `${base}/memory/${field}`
    throw new TsrunError(
      'invalid-config',
      `${pointerLabel(pointer)}: rejecting ${name} limit ${value} <= usage ${usage} (checkBeforeUpdate)`,
      { pointer },
    )
  }
  refuse('swap', 'memory+swap', swap)
  refuse('limit', 'memory', limit)
}

function warn({ memory, devices }: LinuxResources): string[] {
  const found: string[] = []
  if (memory?.kernel) found.push('linux.resources.memory.kernel: ignored, kernels have no such limit any more')
  if (devices !== undefined && devices.length > 0) {
    found.push('linux.resources.devices: ignored, the rules of a container stay as they were made')
  }
  return found
}
