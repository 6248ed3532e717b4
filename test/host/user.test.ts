// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, withContainer } from '../helpers/container.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('user')

function withProcess(process: Json): Json {
  return { process }
}

test('user.uid and user.gid are all four ids', async () => {
  const report = await inspect(withProcess({ user: { uid: 1234, gid: 4321 } }))
  assert.is(report.status['Uid'], '1234\t1234\t1234\t1234')
  assert.is(report.status['Gid'], '4321\t4321\t4321\t4321')
  assert.equal(report.groups, [])
})

test('user.additionalGids', async () => {
  const report = await inspect(withProcess({ user: { uid: 5, gid: 5, additionalGids: [10, 3, 65536] } }))
  assert.equal(
    [...report.groups].sort((a, b) => a - b),
    [3, 10, 65536],
  )
})

for (const [umask, seen] of [
  [0o077, 0o077],
  [0, 0],
  [0o022, 0o022],
] as const) {
  test(`user.umask ${umask.toString(8)}`, async () => {
    assert.is((await inspect(withProcess({ user: { uid: 0, gid: 0, umask } }))).umask, seen)
  })
}

test('without user.umask it is 0022', async () => {
  assert.is((await inspect()).umask, 0o022)
})

test('ids beyond 2^32 - 2 and negative ids are refused', () => {
  for (const uid of [4294967295, 4294967296, -1, 1.5, '0']) {
    assertRefused(withProcess({ user: { uid, gid: 0 } }), { tsrun: /process\.user\.uid/ })
  }
})

test('without user.gid the group is 0, and that is told', async () => {
  await withContainer(withArgs(['id', '-g']), (container) => {
    const path = join(container.bundle, 'config.json')
    const config = JSON.parse(readFileSync(path, 'utf8')) as { process: Json }
    writeFileSync(path, JSON.stringify({ ...config, process: { ...config.process, user: { uid: 7 } } }))
    const outcome = mustSucceed(container.run())
    assert.is(outcome.stdout, '0\n')
    if (isTsrun) assert.match(outcome.stderr, /process\.user\.gid: is missing: the process runs in group 0/)
  })
})

run()
