// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { makeRootfs } from '../helpers/bundle.ts'
import { inspect } from '../helpers/container.ts'
import { needsRoot } from '../helpers/host.ts'
import { findMount } from '../helpers/report.ts'
import { assertRefused, hostSuite, unmount } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

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

test(
  'a shared root begins a peer group of its own, and gets nothing from the host',
  async () => {
    const top = newDir('shared')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'none', top])
    try {
      execFileSync('mount', ['--make-shared', top])
      const report = await inspect({ root: { path: makeRootfs(top) }, linux: { rootfsPropagation: 'shared' } })
      const words = findMount(report, '/')?.propagation ?? []
      assert.match(words.join(), /^shared:\d+$/)
      const own = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .find((line) => line.includes(` ${top} `))
      assert.ok(!own?.includes(` ${words[0]} `), own)
    } finally {
      unmount(top)
    }
  },
  { needs: [needsRoot], differsFrom: { 'runc<1.3': 'sets it on the tree of the host' } },
)

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
