// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import { exactInteger } from '../../../spec/exact-integer.ts'
import type { LinuxMemory, LinuxResources } from '../../../spec/runtime/resources.ts'
import { type CgroupWrite, inRange } from '../cgroup-write.ts'
import type { LimitsInForce } from '../limits-in-force.ts'
import { onlyV1 } from './only-v1.ts'

const base = '/linux/resources/memory'

/** Limits of the v2 memory controller. Zero means "not set". Spec: config-linux.md#memory */
export function compileMemoryV2(memory: LinuxMemory, inForce: LimitsInForce): CgroupWrite[] {
  if (memory.disableOOMKiller) throw onlyV1(`${base}/disableOOMKiller`)
  const swappiness = memory.swappiness
  if (swappiness !== undefined && swappiness !== -1 && swappiness < 2 ** 63) {
    throw onlyV1(`${base}/swappiness`)
  }
  const writes: CgroupWrite[] = []
  const add = (field: string, file: string, value: string, tolerate?: CgroupWrite['tolerate']) =>
    writes.push({
      controller: 'memory',
      file,
      value,
      pointer: `${base}/${field}`,
      ...(tolerate && { tolerate }),
    })
  // Without a limit in force either, swap is refused: 0 says so.
  const counted = memory.swap && !memory.limit ? BigInt(inForce.memory ?? 0) : exactInteger(memory, 'limit')
  const swap = swapMax(counted, exactInteger(memory, 'swap'))
  if (swap !== undefined) {
    // A kernel that does not count swap has no such file, and nothing to limit.
    const absentIsFine = swap === 'max' || swap === '0'
    const field = memory.swap ? 'swap' : 'limit'
    add(field, 'memory.swap.max', swap, absentIsFine ? ['ENOENT'] : undefined)
  }
  if (memory.limit) add('limit', 'memory.max', toMax(exactInteger(memory, 'limit')))
  if (memory.reservation) add('reservation', 'memory.low', toMax(exactInteger(memory, 'reservation')))
  return writes
}

/** v2 counts the buffers of sockets as memory of the container: what asks for a limit of their own is told. */
export function warningsV2({ memory }: LinuxResources): string[] {
  if ((memory?.kernelTCP ?? 0) <= 0) return []
  return [
    'linux.resources.memory.kernelTCP: ignored, on cgroup v2 linux.resources.memory.limit counts what TCP buffers',
  ]
}

function toMax(value: bigint): string {
  return value === -1n ? 'max' : inRange(value)
}

/** v2 counts swap alone where the specification counts memory plus swap. */
function swapMax(limit: bigint, swap: bigint): string | undefined {
  if (swap === 0n) return limit === -1n ? 'max' : undefined
  if (swap === -1n) return 'max'
  if (limit === -1n) return inRange(swap)
  if (limit === 0n) {
    throw new TsrunError(
      'invalid-config',
      'linux.resources.memory.swap: needs linux.resources.memory.limit, because cgroup v2 limits swap without memory',
      { pointer: `${base}/swap` },
    )
  }
  if (swap < limit) {
    throw new TsrunError(
      'invalid-config',
      `linux.resources.memory.swap: ${swap} is memory plus swap and must not be below the memory limit ${limit}`,
      { pointer: `${base}/swap` },
    )
  }
  return inRange(swap - limit)
}
