// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { inspect } from '../helpers/container.ts'
import { needsFile } from '../helpers/host.ts'
import { assertRefused, hostSuite, type TestOptions } from '../helpers/suite.ts'

const { test, run } = hostSuite('memory policy')

const numa: TestOptions = {
  needs: [needsFile('/sys/devices/system/node/node0')],
  differsFrom: { 'runc<1.4': 'has no memory policy', crun: 'sets it only where it is built with libnuma' },
}

const STATIC_NODES = 1 << 15
const RELATIVE_NODES = 1 << 14

for (const [mode, number, nodes] of [
  ['MPOL_DEFAULT', 0, undefined],
  ['MPOL_PREFERRED', 1, '0'],
  ['MPOL_BIND', 2, '0'],
  ['MPOL_INTERLEAVE', 3, '0'],
  ['MPOL_LOCAL', 4, undefined],
  ['MPOL_PREFERRED_MANY', 5, '0'],
  ['MPOL_WEIGHTED_INTERLEAVE', 6, '0'],
] as const) {
  test(
    mode,
    async () => {
      const { memoryPolicy } = await inspect({ linux: { memoryPolicy: { mode, nodes } } })
      assert.equal(memoryPolicy, { mode: number, nodes: nodes === undefined ? 0 : 1 })
    },
    numa,
  )
}

for (const [flag, bit] of [
  ['MPOL_F_STATIC_NODES', STATIC_NODES],
  ['MPOL_F_RELATIVE_NODES', RELATIVE_NODES],
] as const) {
  test(
    flag,
    async () => {
      const policy = { mode: 'MPOL_BIND', nodes: '0', flags: [flag] }
      const { memoryPolicy } = await inspect({ linux: { memoryPolicy: policy } })
      assert.is(memoryPolicy.mode, 2 | bit)
    },
    numa,
  )
}

test(
  'MPOL_F_NUMA_BALANCING',
  async () => {
    const policy = { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }
    const { memoryPolicy } = await inspect({ linux: { memoryPolicy: policy } })
    assert.is(memoryPolicy.mode, 2 | (1 << 13))
  },
  { ...numa, needs: [needsFile('/sys/devices/system/node/node0'), needsFile('/proc/sys/kernel/numa_balancing')] },
)

test(
  'a node that is not there, and a mode that does not go with nodes, are refused',
  () => {
    assertRefused(
      { linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '1000' } } },
      { tsrun: /linux\.memoryPolicy.*set_mempolicy.*EINVAL/ },
    )
    assertRefused(
      { linux: { memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0' } } },
      { tsrun: /linux\.memoryPolicy\.nodes/ },
    )
    assertRefused({ linux: { memoryPolicy: { mode: 'MPOL_BIND' } } }, { tsrun: /linux\.memoryPolicy\.nodes/ })
  },
  numa,
)

run()
