// SPDX-License-Identifier: Apache-2.0
import type { LinuxResources } from '../../../spec/runtime/resources.ts'
import type { CgroupWrite } from '../cgroup-write.ts'
import { compileCpuset } from '../cpuset.ts'
import { compileHugetlb } from '../hugetlb.ts'
import type { LimitsInForce } from '../limits-in-force.ts'
import { compilePids } from '../pids.ts'
import { compileRdma } from '../rdma.ts'
import { compileCpuV2 } from './cpu.ts'
import { compileIoV2 } from './io.ts'
import { compileMemoryV2 } from './memory.ts'
import { onlyV1 } from './only-v1.ts'
import { compileUnified } from './unified.ts'

/**
 * linux.resources as writes to the unified hierarchy, devices aside. `unified` comes last, so that it
 * wins over the fields that were translated.
 */
export function compileResourcesV2(resources: LinuxResources, inForce: LimitsInForce = {}): CgroupWrite[] {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = resources
  if (network?.classID) throw onlyV1('/linux/resources/network/classID')
  if (network?.priorities?.length) throw onlyV1('/linux/resources/network/priorities')
  return [
    ...(pids === undefined ? [] : compilePids(pids)),
    ...(memory === undefined ? [] : compileMemoryV2(memory, inForce)),
    ...(blockIO === undefined ? [] : compileIoV2(blockIO)),
    ...(cpu === undefined ? [] : compileCpuV2(cpu, inForce)),
    ...(cpu === undefined ? [] : compileCpuset(cpu)),
    ...(hugepageLimits === undefined ? [] : compileHugetlb(hugepageLimits, 'max')),
    ...(rdma === undefined ? [] : compileRdma(rdma)),
    ...(unified === undefined ? [] : compileUnified(unified)),
  ]
}
