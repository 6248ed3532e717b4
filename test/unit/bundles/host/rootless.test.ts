// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { idMaps, subordinateIds } from '../../../../bundles/host/rootless.ts'

const subuid = 'root:1:1\nme:100000:65536\n# me:5:5\nother:165536:65536\n1000:300000:10\nme:bad:1\nme:7:0\n'

test('the ranges of a user, by name and by number', () => {
  assert.equal(subordinateIds(subuid, 'me', 1000), [
    [100000, 65536],
    [300000, 10],
  ])
  assert.equal(subordinateIds(subuid, 'nobody', 7), [])
  assert.equal(subordinateIds('', 'me', 1000), [])
})

test('the user is root, and the ranges follow without a gap', () => {
  const ranges = [
    [100000, 65536],
    [300000, 10],
  ] as const
  assert.equal(idMaps(1000, ranges), ['0:1000:1', '1:100000:65536', '65537:300000:10'])
  assert.equal(idMaps(1000, []), ['0:1000:1'])
})

test.run()
