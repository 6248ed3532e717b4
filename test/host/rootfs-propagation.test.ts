// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { inspect } from '../helpers/container.ts'
import { findMount } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('rootfs propagation')

for (const [value, shown] of [
  ['shared', /^shared:/],
  ['rshared', /^shared:/],
  ['unbindable', /^unbindable$/],
  ['runbindable', /^unbindable$/],
] as const) {
  test(
    `rootfsPropagation "${value}"`,
    async () => {
      const report = await inspect({ linux: { rootfsPropagation: value } })
      const words = findMount(report, '/')?.propagation ?? []
      assert.ok(
        words.some((word) => shown.test(word)),
        words.join(),
      )
    },
    {
      differsFrom: {
        'runc<1.3': 'sets it on the tree of the host before pivot_root, not on the new root',
        ...(value === 'runbindable' ? { runc: 'cannot mask paths any more once the root is unbindable' } : {}),
      },
    },
  )
}

for (const value of ['private', 'rprivate', 'slave', 'rslave', '']) {
  test(`rootfsPropagation "${value}" is not shared`, async () => {
    const report = await inspect({ linux: { rootfsPropagation: value } })
    assert.ok(!findMount(report, '/')?.propagation.some((word) => word.startsWith('shared')))
  })
}

test('an unknown rootfsPropagation is refused', () => {
  assertRefused({ linux: { rootfsPropagation: 'sideways' } }, { tsrun: /rootfsPropagation.*sideways/ })
})

run()
