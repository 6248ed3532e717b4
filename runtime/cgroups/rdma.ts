// SPDX-License-Identifier: Apache-2.0
import { pointerTo } from '../../spec/pointer.ts'
import type { LinuxRdma } from '../../spec/runtime/resources.ts'
import type { CgroupWrite } from './cgroup-write.ts'

/** RDMA handles and objects by device; the same file on v1 and v2. Spec: config-linux.md#rdma */
export function compileRdma(rdma: Readonly<Record<string, LinuxRdma>>): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  for (const [device, limits] of Object.entries(rdma)) {
    let value = device
    if (limits.hcaHandles !== undefined) value += ` hca_handle=${limits.hcaHandles}`
    if (limits.hcaObjects !== undefined) value += ` hca_object=${limits.hcaObjects}`
    if (value === device) continue
    const pointer = pointerTo('/linux/resources/rdma', device)
    writes.push({ controller: 'rdma', file: 'rdma.max', value, pointer })
  }
  return writes
}
