// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chainIds } from '../../../../bundles/layers/chain.ts'

// As sha256sum gives them: printf 'sha256:a sha256:b' | sha256sum
const ab = 'sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8'
const abc = 'sha256:dee159b33409cefa3f6eda71539f006014283e9d9130c18a1dea7bd8a33c9b1b'

test('chain ids (config.md#layer-chainid)', () => {
  assert.equal(chainIds([]), [])
  assert.equal(chainIds(['sha256:a']), ['sha256:a'])
  assert.equal(chainIds(['sha256:a', 'sha256:b', 'sha256:c']), ['sha256:a', ab, abc])
})

test('another order is another chain', () => {
  assert.not.equal(chainIds(['sha256:b', 'sha256:a'])[1], ab)
})

test.run()
