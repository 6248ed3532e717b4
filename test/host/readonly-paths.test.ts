// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, runOnce } from '../helpers/container.ts'
import { type Attempt, parseAttempts } from '../helpers/report.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('readonly paths')

async function attempts(words: string, patch: Json = {}): Promise<readonly Attempt[]> {
  return parseAttempts(mustSucceed(await runOnce(withArgs(['probe', ...words.split(' ')], patch))).stdout)
}

test('readonlyPaths: below them nothing can be written', async () => {
  const rootfs = makeRootfs()
  const seen = await attempts(
    'create /home/x x , create /var/x x , write /etc/passwd x , write /proc/sys/kernel/domainname x',
    {
      root: { path: rootfs, readonly: false },
      linux: { readonlyPaths: ['/home', '/etc/passwd', '/proc/sys', '/no/such/path'] },
    },
  )
  assert.equal(
    seen.map((one) => one.errno),
    ['EROFS', '', 'EROFS', 'EROFS'],
  )
})

run()
