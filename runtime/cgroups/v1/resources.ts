// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import type { LinuxResources } from '../../../spec/runtime/resources.ts'
import type { CgroupWrite } from '../cgroup-write.ts'
import { compileCpuset } from '../cpuset.ts'
import { compileHugetlb } from '../hugetlb.ts'
import type { LimitsInForce } from '../limits-in-force.ts'
import { compilePids } from '../pids.ts'
import { compileRdma } from '../rdma.ts'
import { compileBlkioV1 } from './blkio.ts'
import { compileCpuV1 } from './cpu.ts'
import { compileMemoryV1 } from './memory.ts'
import { compileNetworkV1 } from './network.ts'

/** linux.resources as writes to v1 hierarchies, devices aside. Errors: not-supported for `unified`. */
export function compileResourcesV1(resources: LinuxResources, inForce?: LimitsInForce): CgroupWrite[] {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = resources
  if (unified !== undefined && Object.keys(unified).length > 0) {
    throw new TsrunError(
      'not-supported',
      'linux.resources.unified: invalid configuration: this host uses cgroup v1, where unified settings cannot be applied',
      { pointer: '/linux/resources/unified' },
    )
  }
  return [
    ...(cpu === undefined ? [] : compileCpuset(cpu)),
    ...(memory === undefined ? [] : compileMemoryV1(memory, inForce)),
    ...(cpu === undefined ? [] : compileCpuV1(cpu)),
    ...(pids === undefined ? [] : compilePids(pids)),
    ...(blockIO === undefined ? [] : compileBlkioV1(blockIO)),
    ...(hugepageLimits === undefined ? [] : compileHugetlb(hugepageLimits, 'limit_in_bytes')),
    ...(network === undefined ? [] : compileNetworkV1(network)),
    ...(rdma === undefined ? [] : compileRdma(rdma)),
  ]
}
