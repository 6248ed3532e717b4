// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { filesOfUnmounted, needsUnmounted } from '../helpers/cgroup-files.ts'
import { needsCgroup2 } from '../helpers/host.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups network')

test(
  'classID, v1',
  async () => {
    const [seen] = await filesOfUnmounted('net_cls', { network: { classID: 1048577 } }, ['net_cls.classid'])
    assert.is(seen, '1048577\n')
  },
  {
    needs: [needsUnmounted('net_cls')],
    differsFrom: {
      runc: 'looks for hierarchies below /sys/fs/cgroup alone',
      crun: 'looks for hierarchies below /sys/fs/cgroup alone',
    },
  },
)

test(
  'priorities, v1',
  async () => {
    const network = { priorities: [{ name: 'lo', priority: 7 }] }
    const [seen] = await filesOfUnmounted('net_prio', { network }, ['net_prio.ifpriomap'])
    assert.match(seen ?? '', /^lo 7$/m)
  },
  {
    needs: [needsUnmounted('net_prio')],
    differsFrom: {
      runc: 'looks for hierarchies below /sys/fs/cgroup alone',
      crun: 'looks for hierarchies below /sys/fs/cgroup alone',
    },
  },
)

test(
  'both are refused by name, v2',
  () => {
    assertRefused(
      { linux: { resources: { network: { classID: 1 } } } },
      { tsrun: /linux\.resources\.network\.classID: .*v2/ },
    )
    const priorities = [{ name: 'lo', priority: 7 }]
    assertRefused(
      { linux: { resources: { network: { priorities } } } },
      { tsrun: /linux\.resources\.network\.priorities: .*v2/ },
    )
  },
  { needs: [needsCgroup2], differsFrom: { runc: 'ignores them' } },
)

run()
