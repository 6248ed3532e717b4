// SPDX-License-Identifier: Apache-2.0
import { expectFiles } from '../helpers/cgroup-files.ts'
import { hasController, needsController } from '../helpers/host.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups rdma')

const rdma = { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } }

test(
  'without the controller the field is refused by name',
  () => {
    assertRefused({ linux: { resources: { rdma } } }, { tsrun: /linux\.resources\.rdma\.mlx5_1: .*rdma/ })
  },
  {
    needs: [() => (hasController('rdma') ? 'this host has the controller' : undefined)],
    differsFrom: { runc: 'ignores it', crun: 'ignores it' },
  },
)

test(
  'a device that is not there is refused by name',
  () => {
    assertRefused({ linux: { resources: { rdma } } }, { tsrun: /linux\.resources\.rdma\.mlx5_1: .*rdma\.max/ })
  },
  { needs: [needsController('rdma')], differsFrom: { crun: 'ignores it' } },
)

test('no limit at all', () => expectFiles({ rdma: {} }, 'pids', {}))

run()
