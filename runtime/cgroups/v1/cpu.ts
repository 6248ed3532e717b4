// SPDX-License-Identifier: Apache-2.0
import type { LinuxCPU } from '../../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from '../cgroup-write.ts'

const base = '/linux/resources/cpu'

/**
 * Limits of the v1 cpu controller. Zero means "not set", except for burst and idle.
 * Order: the kernel checks runtime against period and burst against quota, so each second comes
 * after the first; shares come before idle, which fixes them. Spec: config-linux.md#cpu
 */
export function compileCpuV1(cpu: LinuxCPU): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  const add = (field: string, file: string, value: string) =>
    writes.push({ controller: 'cpu', file, value, pointer: `${base}/${field}` })
  // A process with a real-time policy cannot enter before there is real-time bandwidth.
  if (cpu.realtimePeriod) add('realtimePeriod', 'cpu.rt_period_us', toDecimal(cpu, 'realtimePeriod', 'uint64'))
  if (cpu.realtimeRuntime) {
    add('realtimeRuntime', 'cpu.rt_runtime_us', toDecimal(cpu, 'realtimeRuntime'))
  }
  if (cpu.shares) add('shares', 'cpu.shares', toDecimal(cpu, 'shares', 'uint64'))
  if (cpu.period) add('period', 'cpu.cfs_period_us', toDecimal(cpu, 'period', 'uint64'))
  if (cpu.quota) add('quota', 'cpu.cfs_quota_us', toDecimal(cpu, 'quota'))
  if (cpu.burst !== undefined) add('burst', 'cpu.cfs_burst_us', toDecimal(cpu, 'burst', 'uint64'))
  if (cpu.idle !== undefined) add('idle', 'cpu.idle', toDecimal(cpu, 'idle'))
  return writes
}
