// SPDX-License-Identifier: Apache-2.0
import type { CgroupWrite } from '../cgroup-write.ts'
import { cpusetProperty, PropertySet, quotaProperties, toBytes } from './limits.ts'
import { numberProperty, type UnitProperty } from './property.ts'

/** Files that hold one size or number. */
const plain: Readonly<Record<string, string>> = {
  'memory.limit_in_bytes': 'MemoryLimit',
  'cpu.shares': 'CPUShares',
  'blkio.bfq.weight': 'BlockIOWeight',
  'pids.max': 'TasksMax',
}

/** Files with a line for each disk. */
const byDisk: Readonly<Record<string, string>> = {
  'blkio.bfq.weight_device': 'BlockIODeviceWeight',
  'blkio.throttle.read_bps_device': 'BlockIOReadBandwidth',
  'blkio.throttle.write_bps_device': 'BlockIOWriteBandwidth',
}

/**
 * The same as propertiesV2 for v1 hierarchies, where systemd knows fewer files. Where only one of quota and period is
 * written, the other is as it is in force.
 */
export function propertiesV1(
  writes: readonly CgroupWrite[],
  inForce: { readonly quota?: number | undefined; readonly period?: number | undefined } = {},
): readonly UnitProperty[] {
  const set = new PropertySet()
  let quota: string | undefined
  let period: string | undefined
  for (const { file, value, pointer } of writes) {
    const name = plain[file]
    const size = name === undefined ? undefined : toBytes(value)
    const disks = byDisk[file]
    // systemd keeps them, and has no file of v1 that it would write them to.
    const cpuset = cpusetProperty(file, value, pointer)
    if (name !== undefined && size !== undefined) set.add(numberProperty(name, size))
    else if (cpuset !== undefined) set.add(cpuset)
    else if (disks !== undefined) {
      const [, disk, rate] = /^(\d+:\d+) (\d+)$/.exec(value) ?? []
      if (disk !== undefined && rate !== undefined) set.append(disks, 'st', [`/dev/block/${disk}`, rate])
    } else if (file === 'cpu.cfs_quota_us') quota = value
    else if (file === 'cpu.cfs_period_us') period = value
  }
  if (quota !== undefined || period !== undefined) {
    set.add(...quotaProperties(quota ?? String(inForce.quota ?? -1), period ?? String(inForce.period ?? 100000)))
  }
  return set.list()
}
