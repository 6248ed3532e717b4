// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { LinuxHugepageLimit } from '../../spec/runtime/resources.ts'
import { type CgroupWrite, toDecimal } from './cgroup-write.ts'

/**
 * Huge page limits by page size: of pages in use, and of reservations where the kernel counts
 * them (a process over that limit fails in mmap instead of dying later).
 * Spec: config-linux.md#huge-page-limits
 */
export function compileHugetlb(limits: readonly LinuxHugepageLimit[], suffix: 'limit_in_bytes' | 'max'): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  for (const [index, entry] of limits.entries()) {
    const { pageSize } = entry
    const base = `/linux/resources/hugepageLimits/${index}`
    if (!/^[1-9][0-9]*[KMG]B$/.test(pageSize)) {
      throw new TsrunError(
        'invalid-config',
        `linux.resources.hugepageLimits[${index}].pageSize: ${JSON.stringify(pageSize)} is not a page size such as "2MB"`,
        { pointer: `${base}/pageSize` },
      )
    }
    const pointer = `${base}/limit`
    const value = toDecimal(entry, 'limit', 'uint64')
    const file = `hugetlb.${pageSize}`
    writes.push(
      { controller: 'hugetlb', file: `${file}.${suffix}`, value, pointer },
      {
        controller: 'hugetlb',
        file: `${file}.rsvd.${suffix}`,
        value,
        pointer,
        tolerate: ['ENOENT'],
      },
    )
  }
  return writes
}
