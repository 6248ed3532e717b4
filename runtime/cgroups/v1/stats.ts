// SPDX-License-Identifier: Apache-2.0
import type { ReadCgroupFile } from '../limits-in-force.ts'
import {
  type BlkioEntry,
  type CgroupStats,
  counter,
  counters,
  hugetlbStats,
  type MemoryEntry,
  numberList,
  orAbsent,
  pidsStats,
  type StatsInput,
} from '../stats.ts'

/** Nanoseconds of a clock tick, which user space always sees 100 times a second. */
const TICK = 10_000_000n

/** Statistics from v1 hierarchies. */
export function readStatsV1(input: StatsInput): CgroupStats {
  const { read } = input
  const names = { usage: 'usage_in_bytes', max: 'max_usage_in_bytes' }
  return {
    cpu: cpuStats(read),
    cpuset: cpusetStats(read),
    memory: memoryStats(read),
    pids: pidsStats(read),
    blkio: blkioStats(read),
    hugetlb: hugetlbStats(input, names, (size) => counter(read('hugetlb', `hugetlb.${size}.failcnt`))),
  }
}

function cpuStats(read: ReadCgroupFile): CgroupStats['cpu'] {
  const stat = counters(read('cpu', 'cpu.stat'))
  const ticks = counters(read('cpuacct', 'cpuacct.stat'))
  const rows = (read('cpuacct', 'cpuacct.usage_all') ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.split(' '))
    .filter((row) => row.length === 3)
  const percpu = (read('cpuacct', 'cpuacct.usage_percpu') ?? '').split(/\s+/).filter((word) => word !== '')
  return {
    usage: {
      total: orAbsent(counter(read('cpuacct', 'cpuacct.usage'))),
      percpu: orNone(percpu.map(counter)),
      percpu_kernel: orNone(rows.map((row) => counter(row[2]))),
      percpu_user: orNone(rows.map((row) => counter(row[1]))),
      kernel: (ticks['system'] ?? 0n) * TICK,
      user: (ticks['user'] ?? 0n) * TICK,
    },
    throttling: {
      periods: orAbsent(stat['nr_periods']),
      throttledPeriods: orAbsent(stat['nr_throttled']),
      throttledTime: orAbsent(stat['throttled_time']),
    },
  }
}

function orNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

function cpusetStats(read: ReadCgroupFile): CgroupStats['cpuset'] {
  const flag = (name: string): bigint => counter(read('cpuset', `cpuset.${name}`))
  // The only one that may be negative.
  const level = read('cpuset', 'cpuset.sched_relax_domain_level')?.trim() ?? '0'
  return {
    cpus: numberList(read('cpuset', 'cpuset.cpus')),
    cpu_exclusive: flag('cpu_exclusive'),
    mems: numberList(read('cpuset', 'cpuset.mems')),
    mem_hardwall: flag('mem_hardwall'),
    mem_exclusive: flag('mem_exclusive'),
    memory_migrate: flag('memory_migrate'),
    memory_spread_page: flag('memory_spread_page'),
    memory_spread_slab: flag('memory_spread_slab'),
    memory_pressure: flag('memory_pressure'),
    sched_load_balance: flag('sched_load_balance'),
    sched_relax_domain_level: /^-?\d+$/.test(level) ? BigInt(level) : 0n,
  }
}

function memoryStats(read: ReadCgroupFile): CgroupStats['memory'] {
  const raw = counters(read('memory', 'memory.stat'))
  const entry = (prefix: string): MemoryEntry => ({
    limit: counter(read('memory', `${prefix}.limit_in_bytes`)),
    usage: orAbsent(counter(read('memory', `${prefix}.usage_in_bytes`))),
    max: orAbsent(counter(read('memory', `${prefix}.max_usage_in_bytes`))),
    failcnt: counter(read('memory', `${prefix}.failcnt`)),
  })
  return {
    cache: orAbsent(raw['cache']),
    usage: entry('memory'),
    swap: entry('memory.memsw'),
    kernel: entry('memory.kmem'),
    kernelTCP: entry('memory.kmem.tcp'),
    raw: Object.keys(raw).length === 0 ? undefined : raw,
  }
}

/** The first of those who count that has counted anything: the scheduler BFQ, else the throttle. */
function blkioStats(read: ReadCgroupFile): CgroupStats['blkio'] {
  for (const prefix of ['blkio.bfq', 'blkio.throttle']) {
    const ioServicedRecursive = entries(read('blkio', `${prefix}.io_serviced_recursive`))
    const ioServiceBytesRecursive = entries(read('blkio', `${prefix}.io_service_bytes_recursive`))
    if (ioServicedRecursive !== undefined) return { ioServiceBytesRecursive, ioServicedRecursive }
  }
  return {}
}

/** Lines such as `8:0 Read 4096`. */
function entries(text: string | undefined): readonly BlkioEntry[] | undefined {
  const found: BlkioEntry[] = []
  for (const [, major, minor, op = '', value] of (text ?? '').matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)) {
    found.push({
      major: orAbsent(counter(major)),
      minor: orAbsent(counter(minor)),
      op,
      value: orAbsent(counter(value)),
    })
  }
  return orNone(found)
}
