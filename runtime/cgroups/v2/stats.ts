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
  type Pressure,
  pidsStats,
  type StatsInput,
  UNLIMITED,
} from '../stats.ts'

const none: MemoryEntry = { limit: 0n, usage: undefined, max: undefined, failcnt: 0n }

/** Statistics from the unified hierarchy, as v1 would have them. */
export function readStatsV2(input: StatsInput): CgroupStats {
  const { read } = input
  return {
    cpu: cpuStats(read),
    cpuset: cpusetStats(read),
    memory: memoryStats(read),
    pids: pidsStats(read),
    blkio: ioStats(read),
    hugetlb: hugetlbStats(
      input,
      { usage: 'current', max: 'max' },
      (size) => counters(read('hugetlb', `hugetlb.${size}.events`))['max'] ?? 0n,
    ),
  }
}

function cpuStats(read: ReadCgroupFile): CgroupStats['cpu'] {
  const stat = counters(read('cpu', 'cpu.stat'))
  const nanoseconds = (name: string): bigint => (stat[name] ?? 0n) * 1000n
  return {
    usage: {
      total: orAbsent(nanoseconds('usage_usec')),
      kernel: nanoseconds('system_usec'),
      user: nanoseconds('user_usec'),
    },
    throttling: {
      periods: orAbsent(stat['nr_periods']),
      throttledPeriods: orAbsent(stat['nr_throttled']),
      throttledTime: orAbsent(nanoseconds('throttled_usec')),
    },
    psi: pressure(read('cpu', 'cpu.pressure')),
  }
}

/** v2 has no more than the two lists. */
function cpusetStats(read: ReadCgroupFile): CgroupStats['cpuset'] {
  return {
    cpus: numberList(read('cpuset', 'cpuset.cpus.effective')),
    cpu_exclusive: 0n,
    mems: numberList(read('cpuset', 'cpuset.mems.effective')),
    mem_hardwall: 0n,
    mem_exclusive: 0n,
    memory_migrate: 0n,
    memory_spread_page: 0n,
    memory_spread_slab: 0n,
    memory_pressure: 0n,
    sched_load_balance: 0n,
    sched_relax_domain_level: 0n,
  }
}

function memoryStats(read: ReadCgroupFile): CgroupStats['memory'] {
  const raw = counters(read('memory', 'memory.stat'))
  const entry = (prefix: string): MemoryEntry => ({
    limit: counter(read('memory', `${prefix}.max`)),
    usage: orAbsent(counter(read('memory', `${prefix}.current`))),
    max: orAbsent(counter(read('memory', `${prefix}.peak`))),
    failcnt: counters(read('memory', `${prefix}.events`))['max'] ?? 0n,
  })
  const usage = entry('memory')
  return {
    cache: orAbsent(raw['file']),
    usage,
    swap: withMemory(entry('memory.swap'), usage),
    kernel: none,
    kernelTCP: none,
    raw: Object.keys(raw).length === 0 ? undefined : raw,
    psi: pressure(read('memory', 'memory.pressure')),
  }
}

/** v2 counts swap alone. The peaks of both may have been at different times: their sum would say nothing. */
function withMemory(swap: MemoryEntry, memory: MemoryEntry): MemoryEntry {
  const unlimited = swap.limit === UNLIMITED || memory.limit === UNLIMITED
  return {
    limit: unlimited ? UNLIMITED : swap.limit + memory.limit,
    usage: orAbsent((swap.usage ?? 0n) + (memory.usage ?? 0n)),
    max: undefined,
    failcnt: swap.failcnt,
  }
}

/** Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`. */
function ioStats(read: ReadCgroupFile): CgroupStats['blkio'] {
  const bytes: BlkioEntry[] = []
  const requests: BlkioEntry[] = []
  const ops: Readonly<Record<string, string>> = { r: 'Read', w: 'Write', d: 'Discard' }
  for (const [, major, minor, rest = ''] of (read('io', 'io.stat') ?? '').matchAll(/^(\d+):(\d+) (.*)$/gm)) {
    for (const [, letter = '', what, value] of rest.matchAll(/\b([rwd])(bytes|ios)=(\d+)/g)) {
      const list = what === 'bytes' ? bytes : requests
      list.push({
        major: orAbsent(counter(major)),
        minor: orAbsent(counter(minor)),
        op: ops[letter] ?? letter,
        value: orAbsent(counter(value)),
      })
    }
  }
  return {
    ioServiceBytesRecursive: bytes.length === 0 ? undefined : bytes,
    ioServicedRecursive: requests.length === 0 ? undefined : requests,
    psi: pressure(read('io', 'io.pressure')),
  }
}

/** Lines such as `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`; undefined on a kernel that does not measure it. */
function pressure(text: string | undefined): Pressure | undefined {
  const found: Record<string, Record<string, bigint | number>> = {}
  for (const [, kind = '', rest = ''] of (text ?? '').matchAll(/^(some|full) (.*)$/gm)) {
    const values: Record<string, bigint | number> = {}
    for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=([\d.]+)/g)) {
      values[name] = name === 'total' ? counter(value) : Number(value)
    }
    found[kind] = values
  }
  return Object.keys(found).length === 0 ? undefined : found
}
