// SPDX-License-Identifier: Apache-2.0
import { withExactIntegers } from '../../../spec/exact-integer.ts'
import type { LinuxCPU } from '../../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from '../cgroup-write.ts'
import type { LimitsInForce } from '../limits-in-force.ts'
import { onlyV1 } from './only-v1.ts'

const base = '/linux/resources/cpu'

/**
 * Limits of the v2 cpu controller. Zero means "not set", except for burst and idle. Quota and period share a file: of
 * the two, the one that is not set stays as it is in force.
 */
export function compileCpuV2(cpu: LinuxCPU, inForce: LimitsInForce): CgroupWrite[] {
  if (cpu.realtimePeriod) throw onlyV1(`${base}/realtimePeriod`)
  if (cpu.realtimeRuntime) throw onlyV1(`${base}/realtimeRuntime`)
  const writes: CgroupWrite[] = []
  const add = (field: string, file: string, value: string) =>
    writes.push({ controller: 'cpu', file, value, pointer: `${base}/${field}` })
  // The weight of an idle cgroup is fixed: it must be written before.
  if (cpu.shares) add('shares', 'cpu.weight', String(sharesToWeight(cpu.shares)))
  if (cpu.quota || cpu.period) {
    const both = withExactIntegers(
      { quota: cpu.quota || (inForce.quota ?? -1), period: cpu.period || (inForce.period ?? 100000) },
      cpu,
    )
    const value = `${both.quota > 0 ? toDecimal(both, 'quota') : 'max'} ${toDecimal(both, 'period', 'uint64')}`
    add(cpu.quota ? 'quota' : 'period', 'cpu.max', value)
  }
  if (cpu.burst !== undefined) add('burst', 'cpu.max.burst', toDecimal(cpu, 'burst', 'uint64'))
  if (cpu.idle !== undefined) add('idle', 'cpu.idle', toDecimal(cpu, 'idle'))
  return writes
}

/**
 * v1 shares (2 to 262144, usually 1024) as a v2 weight (1 to 10000, usually 100): the curve through
 * these three points that is quadratic in the logarithm, as all runtimes use it by now.
 */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1
  if (shares >= 262144) return 10000
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}
