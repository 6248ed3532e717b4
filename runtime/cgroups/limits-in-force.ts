// SPDX-License-Identifier: Apache-2.0

/** Text of a file of the container's cgroup, or undefined when it cannot be read. */
export type ReadCgroupFile = (controller: string, file: string) => string | undefined

/** Limits of a container that runs, on which others depend that are changed alone. Undefined: none, or not known. */
export interface LimitsInForce {
  /** Bytes. */
  readonly memory?: number | undefined
  /** Bytes of memory and swap together; v1 only. */
  readonly memorySwap?: number | undefined
  /** Microseconds. */
  readonly quota?: number | undefined
  readonly period?: number | undefined
}

export function readLimitsV1(read: ReadCgroupFile): LimitsInForce {
  return {
    memory: toNumber(read('memory', 'memory.limit_in_bytes')),
    memorySwap: toNumber(read('memory', 'memory.memsw.limit_in_bytes')),
  }
}

/** v1 has a file for each, systemd does not. */
export function readQuotaV1(read: ReadCgroupFile): Pick<LimitsInForce, 'quota' | 'period'> {
  return {
    quota: toNumber(read('cpu', 'cpu.cfs_quota_us')),
    period: toNumber(read('cpu', 'cpu.cfs_period_us')),
  }
}

export function readLimitsV2(read: ReadCgroupFile): LimitsInForce {
  const [quota, period] = (read('cpu', 'cpu.max') ?? '').trim().split(' ')
  return {
    memory: toNumber(read('memory', 'memory.max')),
    quota: toNumber(quota),
    period: toNumber(period),
  }
}

/** Undefined for `max` and for what is no number. */
function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined
}
