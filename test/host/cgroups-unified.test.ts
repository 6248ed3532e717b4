// SPDX-License-Identifier: Apache-2.0
import { expectFiles } from '../helpers/cgroup-files.ts'
import { needsCgroup1, needsCgroup2, needsController } from '../helpers/host.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups unified')

test(
  'unified, v2',
  () =>
    expectFiles({ unified: { 'memory.high': '33554432', 'pids.max': '44' } }, '', {
      'memory.high': '33554432',
      'pids.max': '44',
    }),
  { needs: [needsCgroup2, needsController('memory')] },
)

test(
  'unified where there is no cgroup v2 is refused',
  () => {
    assertRefused({ linux: { resources: { unified: { 'memory.high': '1' } } } }, { tsrun: /linux\.resources\.unified/ })
  },
  { needs: [needsCgroup1] },
)

test(
  'unified: what is no file of a controller is refused by name, v2',
  () => {
    assertRefused(
      { linux: { resources: { unified: { 'memory.nonsense': '1' } } } },
      { tsrun: /unified.*memory\.nonsense.*ENOENT/ },
    )
    assertRefused({ linux: { resources: { unified: { 'nonsense.max': '1' } } } }, { tsrun: /unified.*nonsense\.max/ })
  },
  { needs: [needsCgroup2, needsController('memory')] },
)

run()
