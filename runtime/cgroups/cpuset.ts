// SPDX-License-Identifier: Apache-2.0
import type { LinuxCPU } from '../../spec/runtime/resources.ts'
import type { CgroupWrite } from './cgroup-write.ts'

/** CPUs and memory nodes; the same file names on v1 and v2. Spec: config-linux.md#cpu */
export function compileCpuset(cpu: LinuxCPU): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  for (const field of ['cpus', 'mems'] as const) {
    const value = cpu[field]
    if (value) {
      writes.push({
        controller: 'cpuset',
        file: `cpuset.${field}`,
        value,
        pointer: `/linux/resources/cpu/${field}`,
      })
    }
  }
  return writes
}
