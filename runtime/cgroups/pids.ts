// SPDX-License-Identifier: Apache-2.0
import type { LinuxPids } from '../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from './cgroup-write.ts'

/**
 * The number of tasks; the same file on v1 and v2. A negative limit means none.
 * Zero becomes one, as with the systemd driver: the kernel never fails the process that enters, so
 * both mean that it cannot fork. Spec: config-linux.md#pids
 */
export function compilePids(pids: LinuxPids): CgroupWrite[] {
  const limit = pids.limit
  if (limit === undefined) return []
  const value = limit < 0 ? 'max' : limit === 0 ? '1' : toDecimal(pids, 'limit')
  return [{ controller: 'pids', file: 'pids.max', value, pointer: '/linux/resources/pids/limit' }]
}
