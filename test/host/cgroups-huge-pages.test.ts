// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { expectFiles, filesOfUnmounted, needsUnmounted } from '../helpers/cgroup-files.ts'
import { needsCgroup2, needsController } from '../helpers/host.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups huge pages')

const hugepageLimits = [{ pageSize: '2MB', limit: 4194304 }]

test(
  'limits of use and of reservations, v1',
  async () => {
    const files = ['hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.rsvd.limit_in_bytes']
    assert.equal(await filesOfUnmounted('hugetlb', { hugepageLimits }, files), ['4194304\n', '4194304\n'])
  },
  {
    needs: [needsUnmounted('hugetlb')],
    differsFrom: {
      runc: 'looks for hierarchies below /sys/fs/cgroup alone',
      crun: 'looks for hierarchies below /sys/fs/cgroup alone',
    },
  },
)

test(
  'limits of use and of reservations, v2',
  () => expectFiles({ hugepageLimits }, 'hugetlb', { 'hugetlb.2MB.max': '4194304', 'hugetlb.2MB.rsvd.max': '4194304' }),
  { needs: [needsCgroup2, needsController('hugetlb')] },
)

run()
