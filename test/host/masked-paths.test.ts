// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, runOnce } from '../helpers/container.ts'
import { type Attempt, parseAttempts } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('masked paths')

async function attempts(words: string, patch: Json = {}): Promise<readonly Attempt[]> {
  return parseAttempts(mustSucceed(await runOnce(withArgs(['probe', ...words.split(' ')], patch))).stdout)
}

test('maskedPaths: a file reads empty, a directory is empty and read-only', async () => {
  const patch = { linux: { maskedPaths: ['/etc/passwd', '/sys/firmware', '/proc/keys', '/no/such/path', '/bin'] } }
  const outcome = await runOnce(withArgs(['/home/probe', 'read', '/etc/passwd'], patch))
  assert.is(outcome.status, 1)
  const seen = await attempts(
    'read /etc/passwd , read /proc/keys , mkdir /sys/firmware/x , stat /sys/firmware/acpi , read /etc/group',
    { linux: { maskedPaths: ['/etc/passwd', '/sys/firmware', '/proc/keys', '/no/such/path'] } },
  )
  assert.is(seen[0]?.['text'], '')
  assert.is(seen[1]?.['text'], '')
  assert.is(seen[2]?.errno, 'EROFS')
  assert.is(seen[3]?.errno, 'ENOENT')
  assert.match(String(seen[4]?.['text']), /root/)
})

test(
  'maskedPaths and readonlyPaths must be absolute',
  () => {
    assertRefused({ linux: { maskedPaths: ['relative'] } }, { tsrun: /maskedPaths/ })
    assertRefused({ linux: { readonlyPaths: ['relative'] } }, { tsrun: /readonlyPaths/ })
  },
  { differsFrom: { runc: 'takes them as relative to its own directory' } },
)

test(
  'maskedPaths: what is listed twice is covered once',
  async () => {
    const maskedPaths = ['/sys/firmware', '/sys/./firmware', '/sys/firmware']
    const outcome = await runOnce(
      withArgs(['grep', '-c', ' /sys/firmware ', '/proc/mounts'], { linux: { maskedPaths } }),
    )
    assert.is(outcome.stdout, '1\n')
  },
  { differsFrom: { 'runc<1.4': 'covers it again', crun: 'covers it again' } },
)

run()
