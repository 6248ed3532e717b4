// SPDX-License-Identifier: Apache-2.0

/** Text of a file of the container's cgroup, or undefined when it cannot be read. */
export type ReadCgroupFile = (controller: string, file: string) => string | undefined

/** Limits of a container that runs, on which others depend that are changed alone. Undefined: none, or not known. */
export interface LimitsInForce {
  /** Bytes. */
  readonly memory?: number | undefined
  /** Bytes of memory and swap together; v1 only. */
  readonly memorySwap?: number | undefined
  /** Microseconds; v2 only, as v1 has a file for each. */
  readonly quota?: number | undefined
  readonly period?: number | undefined
}

export function readLimitsV1(read: ReadCgroupFile): LimitsInForce {
  return {
    memory: toNumber(read('memory', 'memory.limit_in_bytes')),
    memorySwap: toNumber(read('memory', 'memory.memsw.limit_in_bytes')),
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
