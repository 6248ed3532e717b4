// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('oci version')

test('every version from 1.0.0 on is taken', async () => {
  for (const ociVersion of ['1.0.0', '1.0.2-dev', '1.2.1', '1.3.0']) {
    await withContainer(withArgs(['true'], { ociVersion }), (container) => {
      mustSucceed(container.create())
      // The version of the state, whatever that of the config.
      assert.match(String(container.state()['ociVersion']), /^1\./)
    })
  }
})

test('a later minor version is taken with a warning', async () => {
  const outcome = mustSucceed(await runOnce(withArgs(['true'], { ociVersion: '1.9.0' })))
  if (isTsrun) assert.match(outcome.stderr, /level=warning.*ociVersion/)
})

test(
  'another major version is refused',
  () => {
    assertRefused({ ociVersion: '2.0.0' }, { tsrun: /ociVersion.*2\.0\.0/ })
    assertRefused({ ociVersion: 'one' }, { tsrun: /ociVersion.*one/ })
  },
  { differsFrom: { runc: 'does not check it', crun: 'does not check it' } },
)

run()
