// SPDX-License-Identifier: Apache-2.0
import type { LinuxNetwork } from '../../../spec/runtime/resources.ts'
import type { CgroupWrite } from '../cgroup-write.ts'

/** Class id and priorities of network traffic; v1 only. Spec: config-linux.md#network */
export function compileNetworkV1(network: LinuxNetwork): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  if (network.classID) {
    writes.push({
      controller: 'net_cls',
      file: 'net_cls.classid',
      value: String(network.classID),
      pointer: '/linux/resources/network/classID',
    })
  }
  for (const [index, { name, priority }] of (network.priorities ?? []).entries()) {
    writes.push({
      controller: 'net_prio',
      file: 'net_prio.ifpriomap',
      value: `${name} ${priority}`,
      pointer: `/linux/resources/network/priorities/${index}`,
    })
  }
  return writes
}
