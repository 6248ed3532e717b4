// SPDX-License-Identifier: Apache-2.0
import type { CgroupWrite } from '../cgroup-write.ts'
import { blkioToIoWeight } from '../v2/io.ts'
import { cpusetProperty, PropertySet, quotaProperties, toBytes } from './limits.ts'
import { numberProperty, type UnitProperty } from './property.ts'

/** Files that hold one size or number. */
const plain: Readonly<Record<string, readonly [name: string, since?: number]>> = {
  'memory.max': ['MemoryMax'],
  'memory.high': ['MemoryHigh'],
  'memory.low': ['MemoryLow'],
  'memory.min': ['MemoryMin'],
  'memory.swap.max': ['MemorySwapMax'],
  'memory.zswap.max': ['MemoryZSwapMax', 253],
  'pids.max': ['TasksMax'],
  'cpu.weight': ['CPUWeight'],
}

const throttles: Readonly<Record<string, string>> = {
  rbps: 'IOReadBandwidthMax',
  wbps: 'IOWriteBandwidthMax',
  riops: 'IOReadIOPSMax',
  wiops: 'IOWriteIOPSMax',
}

/** Where udev has a link to the node of a disk. */
const diskPath = (numbers: string): string => `/dev/block/${numbers}`

/**
 * Properties for what is written to the files of a v2 cgroup. Without them systemd would undo the writes when it next looks
 * at the unit (daemon-reload). A file that no property stands for is nothing that systemd touches.
 */
export function propertiesV2(writes: readonly CgroupWrite[]): readonly UnitProperty[] {
  const set = new PropertySet()
  for (const { file, value, pointer } of writes) {
    const text = value.trim()
    const [name, since] = plain[file] ?? []
    const size = name === undefined ? undefined : toBytes(text)
    const cpuset = cpusetProperty(file, text, pointer)
    if (name !== undefined && size !== undefined) set.add(numberProperty(name, size, since))
    else if (cpuset !== undefined) set.add(cpuset)
    else if (file === 'cpu.max') addQuota(set, text)
    else if (file === 'cpu.idle' && text === '1') set.add(numberProperty('CPUWeight', '0', 252))
    else if (file === 'io.max') addThrottles(set, text)
    else if (file === 'io.weight') addWeight(set, text, (weight) => weight)
    else if (file === 'io.bfq.weight') addWeight(set, text, (weight) => String(blkioToIoWeight(Number(weight))))
  }
  return set.list()
}

function addQuota(set: PropertySet, text: string): void {
  const [, quota, period = '100000'] = /^(max|\d+)(?:\s+([1-9]\d*))?$/.exec(text) ?? []
  if (quota !== undefined) set.add(...quotaProperties(quota, period))
}

function addWeight(set: PropertySet, text: string, scale: (weight: string) => string): void {
  const [, disk, weight] = /^(?:(default|\d+:\d+)\s+)?(\d+)$/.exec(text) ?? []
  if (weight === undefined) return
  if (disk === undefined || disk === 'default') set.add(numberProperty('IOWeight', scale(weight)))
  else set.append('IODeviceWeight', 'st', [diskPath(disk), scale(weight)])
}

function addThrottles(set: PropertySet, text: string): void {
  const [disk = '', ...settings] = text.split(/\s+/)
  if (!/^\d+:\d+$/.test(disk)) return
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=')
    const name = throttles[key]
    const rate = toBytes(value)
    if (name !== undefined && rate !== undefined) set.append(name, 'st', [diskPath(disk), rate])
  }
}
