// SPDX-License-Identifier: Apache-2.0
// What the event "stats" tells of a container. Names and shape are those that readers of runc's events know: a counter of
// zero is left out where runc leaves it out. Counters have 64 bits, hence they are no numbers of JavaScript.

import type { ReadCgroupFile } from './limits-in-force.ts'

/** What statistics are made from. */
export interface StatsInput {
  readonly read: ReadCgroupFile
  /** Sizes of huge pages that the host has, as the kernel names the files: `2MB`. */
  readonly pageSizes: readonly string[]
}

export interface MemoryEntry {
  readonly limit: bigint
  readonly usage: bigint | undefined
  readonly max: bigint | undefined
  readonly failcnt: bigint
}

export interface BlkioEntry {
  readonly major: bigint | undefined
  readonly minor: bigint | undefined
  readonly op: string
  readonly value: bigint | undefined
}

/** Pressure stall information. */
export type Pressure = Readonly<Record<string, Readonly<Record<string, bigint | number>>>>

/** Statistics of the cgroups of a container. Times are nanoseconds, sizes bytes. */
export interface CgroupStats {
  readonly cpu: {
    readonly usage: {
      readonly total: bigint | undefined
      readonly percpu?: readonly bigint[] | undefined
      readonly percpu_kernel?: readonly bigint[] | undefined
      readonly percpu_user?: readonly bigint[] | undefined
      readonly kernel: bigint
      readonly user: bigint
    }
    readonly throttling: {
      readonly periods: bigint | undefined
      readonly throttledPeriods: bigint | undefined
      readonly throttledTime: bigint | undefined
    }
    readonly psi?: Pressure | undefined
  }
  readonly cpuset: Readonly<Record<string, bigint | readonly bigint[] | undefined>>
  readonly memory: {
    readonly cache: bigint | undefined
    readonly usage: MemoryEntry
    /** Memory and swap together. */
    readonly swap: MemoryEntry
    readonly kernel: MemoryEntry
    readonly kernelTCP: MemoryEntry
    readonly raw: Readonly<Record<string, bigint>> | undefined
    readonly psi?: Pressure | undefined
  }
  readonly pids: { readonly current: bigint | undefined; readonly limit: bigint | undefined }
  readonly blkio: {
    readonly ioServiceBytesRecursive?: readonly BlkioEntry[] | undefined
    readonly ioServicedRecursive?: readonly BlkioEntry[] | undefined
    readonly psi?: Pressure | undefined
  }
  readonly hugetlb: Readonly<Record<string, object>>
}

export const UNLIMITED: bigint = 2n ** 64n - 1n

/** A counter; 0 for what is none, `UNLIMITED` for `max`. */
export function counter(text: string | undefined): bigint {
  const word = text?.trim() ?? ''
  if (word === 'max') return UNLIMITED
  return /^\d+$/.test(word) ? BigInt(word) : 0n
}

export function orAbsent(value: bigint | undefined): bigint | undefined {
  return value === 0n ? undefined : value
}

/** A file with a name and a number on each line. */
export function counters(text: string | undefined): Readonly<Record<string, bigint>> {
  const found: Record<string, bigint> = {}
  for (const line of (text ?? '').split('\n')) {
    const [, name, value] = /^(\S+) (\d+)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) found[name] = BigInt(value)
  }
  return found
}

/** `0-2,7` -> 0, 1, 2, 7; undefined for an empty list. */
export function numberList(text: string | undefined): readonly bigint[] | undefined {
  const found: bigint[] = []
  for (const [, first = '', last = first] of (text ?? '').matchAll(/(\d+)(?:-(\d+))?/g)) {
    for (let number = BigInt(first); number <= BigInt(last); number++) found.push(number)
  }
  return found.length === 0 ? undefined : found
}

export function pidsStats(read: ReadCgroupFile): CgroupStats['pids'] {
  const limit = counter(read('pids', 'pids.max'))
  return {
    current: orAbsent(counter(read('pids', 'pids.current'))),
    limit: limit === UNLIMITED ? undefined : orAbsent(limit),
  }
}

/** Bytes in huge pages; files are named differently on v1 and v2. */
export function hugetlbStats(
  { read, pageSizes }: StatsInput,
  names: Readonly<Record<'usage' | 'max', string>>,
  failures: (size: string) => bigint,
): CgroupStats['hugetlb'] {
  const found: Record<string, object> = {}
  for (const size of pageSizes) {
    const usage = read('hugetlb', `hugetlb.${size}.${names.usage}`)
    if (usage === undefined) continue
    found[size] = {
      usage: orAbsent(counter(usage)),
      max: orAbsent(counter(read('hugetlb', `hugetlb.${size}.${names.max}`))),
      failcnt: failures(size),
    }
  }
  return found
}

/** JSON in which a bigint is a number with all its digits. */
export function toJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${toJson(member)}`).join(',')}}`
}
