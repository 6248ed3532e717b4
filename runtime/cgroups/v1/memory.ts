// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import type { LinuxMemory } from '../../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from '../cgroup-write.ts'
import type { LimitsInForce } from '../limits-in-force.ts'

const base = '/linux/resources/memory'

/**
 * Limits of the v1 memory controller. Zero means "not set". `inForce` is given for a container that has processes.
 * Spec: config-linux.md#memory
 */
export function compileMemoryV1(memory: LinuxMemory, inForce?: LimitsInForce): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  const add = (field: string, file: string, value: string, tolerate?: CgroupWrite['tolerate']) =>
    writes.push({
      controller: 'memory',
      file: `memory.${file}`,
      value,
      pointer: `${base}/${field}`,
      ...(tolerate && { tolerate }),
    })
  const limit = memory.limit ?? 0
  const swap = memory.swap ?? 0
  const both = limit !== 0 && swap !== 0 && swap !== -1
  if (inForce !== undefined) checkAgainst(inForce, limit, swap)
  // The kernel refuses memsw < limit at every moment. A cgroup that existed before may hold any
  // limits, so memsw is lifted out of the way first and both orders of old and new values work.
  // Where the limit is known, one of the orders does, and no process is without a limit meanwhile.
  const swapFirst = both && inForce?.memory !== undefined && swap >= inForce.memory
  if (swapFirst) add('swap', 'memsw.limit_in_bytes', toDecimal(memory, 'swap'))
  else if (both && inForce?.memory === undefined) add('swap', 'memsw.limit_in_bytes', '-1')
  if (swap === -1) add('swap', 'memsw.limit_in_bytes', '-1')
  // Without a limit on memory there is none on memory plus swap; the file is absent where the
  // kernel does not count swap.
  else if (limit === -1 && swap === 0) add('limit', 'memsw.limit_in_bytes', '-1', ['ENOENT'])
  if (limit !== 0) add('limit', 'limit_in_bytes', toDecimal(memory, 'limit'))
  if (swap !== 0 && swap !== -1 && !swapFirst) add('swap', 'memsw.limit_in_bytes', toDecimal(memory, 'swap'))
  if (memory.reservation) {
    add('reservation', 'soft_limit_in_bytes', toDecimal(memory, 'reservation'))
  }
  // The only one of the limits of kernel memory that kernels still enforce.
  if (memory.kernelTCP) add('kernelTCP', 'kmem.tcp.limit_in_bytes', toDecimal(memory, 'kernelTCP'))
  if (memory.disableOOMKiller) add('disableOOMKiller', 'oom_control', '1')
  const swappiness = memory.swappiness
  // -1 arrives as 2^64 - 1 from writers for whom the field is unsigned.
  if (swappiness !== undefined && swappiness !== -1 && swappiness < 2 ** 63) {
    if (swappiness < 0 || swappiness > 100) {
      throw new TsrunError(
        'invalid-config',
        `linux.resources.memory.swappiness: ${swappiness} is not in the range 0 to 100`,
        { pointer: `${base}/swappiness` },
      )
    }
    add('swappiness', 'swappiness', String(swappiness))
  }
  return writes
}

/** Errors: invalid-config when one of the two limits is changed alone and does not fit to the other. */
function checkAgainst({ memory, memorySwap }: LimitsInForce, limit: number, swap: number): void {
  if (limit > 0 && swap === 0 && memorySwap !== undefined && limit > memorySwap) {
    throw new TsrunError(
      'invalid-config',
      `linux.resources.memory.limit: ${limit} is above the limit of memory plus swap, which is ${memorySwap} (memory.memsw.limit_in_bytes): give linux.resources.memory.swap too`,
      { pointer: `${base}/limit` },
    )
  }
  if (swap > 0 && limit === 0 && memory !== undefined && swap < memory) {
    throw new TsrunError(
      'invalid-config',
      `linux.resources.memory.swap: ${swap} is below the memory limit, which is ${memory} (memory.limit_in_bytes) and part of it: give linux.resources.memory.limit too`,
      { pointer: `${base}/swap` },
    )
  }
}
