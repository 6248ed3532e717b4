// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readlinkSync } from 'node:fs'
import { type CgroupPaths, isUnified } from '../cgroups/compile-update.ts'
import { type CgroupStats, counters } from '../cgroups/stats.ts'
import { readStatsV1 } from '../cgroups/v1/stats.ts'
import { readStatsV2 } from '../cgroups/v2/stats.ts'
import type { StoredContainer } from '../state/container.ts'
import { cgroupReader } from './container-cgroups.ts'
import { readIfPossible } from './write-limits.ts'

/** Counters of a network interface, as the container sees them. */
export interface NetworkInterfaceStats {
  readonly Name: string
  readonly RxBytes: bigint
  readonly RxPackets: bigint
  readonly RxErrors: bigint
  readonly RxDropped: bigint
  readonly TxBytes: bigint
  readonly TxPackets: bigint
  readonly TxErrors: bigint
  readonly TxDropped: bigint
}

/** What the event "stats" has for data. */
export interface ContainerStats extends CgroupStats {
  readonly intel_rdt: object
  readonly network_interfaces: readonly NetworkInterfaceStats[] | null
}

/** Statistics of a container at this moment. What cannot be read is zero or absent. */
export function readStats({ pid }: StoredContainer, paths: CgroupPaths): ContainerStats {
  const input = { read: cgroupReader(paths), pageSizes: pageSizes() }
  return {
    ...(isUnified(paths) ? readStatsV2(input) : readStatsV1(input)),
    intel_rdt: {},
    network_interfaces: networkStats(pid),
  }
}

/** How often the kernel has killed a process of a container for want of memory. */
export function countOomKills(paths: CgroupPaths): bigint {
  const file = isUnified(paths) ? 'memory.events' : 'memory.oom_control'
  return counters(cgroupReader(paths)('memory', file))['oom_kill'] ?? 0n
}

/** hugepages-2048kB -> 2MB */
function pageSizes(): readonly string[] {
  try {
    return readdirSync('/sys/kernel/mm/hugepages').map((name) => pageSizeName(Number(/\d+/.exec(name)?.[0])))
  } catch {
    return []
  }
}

function pageSizeName(kilobytes: number): string {
  if (kilobytes >= 1 << 20) return `${kilobytes / (1 << 20)}GB`
  return kilobytes >= 1024 ? `${kilobytes / 1024}MB` : `${kilobytes}KB`
}

/** Null where the network is that of the host: its counters would be no statistics of the container. */
function networkStats(pid: number): readonly NetworkInterfaceStats[] | null {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) return null
  } catch {
    return null
  }
  const found = parseNetworkStats(readIfPossible(`/proc/${pid}/net/dev`) ?? '')
  return found.length === 0 ? null : found
}

/** Interfaces in /proc/PID/net/dev, without the loopback. Spec: proc_pid_net(5) */
export function parseNetworkStats(text: string): readonly NetworkInterfaceStats[] {
  const found: NetworkInterfaceStats[] = []
  for (const [, Name = '', rest = ''] of text.matchAll(/^\s*([^\s:|]+):\s*(\d[\d\s]*)$/gm)) {
    const values = rest.trim().split(/\s+/)
    if (Name === 'lo' || values.length < 12) continue
    const at = (index: number): bigint => BigInt(values[index] ?? 0)
    found.push({
      Name,
      RxBytes: at(0),
      RxPackets: at(1),
      RxErrors: at(2),
      RxDropped: at(3),
      TxBytes: at(8),
      TxPackets: at(9),
      TxErrors: at(10),
      TxDropped: at(11),
    })
  }
  return found
}
