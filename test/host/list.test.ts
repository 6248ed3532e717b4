// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer, newId, withContainer, withRunning } from '../helpers/container.ts'
import { callRuntime } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('list')
const sleeper = withArgs(['sleep', '60'])

/** Not os.userInfo(): that is what USER says, with some runtimes. */
function userName(): string {
  return spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim()
}

function listJson(): readonly Json[] | null {
  return JSON.parse(mustSucceed(callRuntime(['list', '--format', 'json'])).stdout) as readonly Json[] | null
}

test('columns are padded to 12, or to the longest cell and 3', async () => {
  const header = 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n'
  assert.is(mustSucceed(callRuntime(['list'], { root: newDir('root') })).stdout, header)
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    const [first = '', second = ''] = mustSucceed(callRuntime(['list'])).stdout.split('\n')
    assert.is(first.indexOf('PID'), Math.max(12, container.id.length + 3))
    assert.is(first.indexOf('CREATED') - first.indexOf('BUNDLE'), Math.max(12, container.bundle.length + 3))
    const [, pid, status, bundle, created, owner] = second.split(/\s+/)
    assert.equal([pid, status, bundle, owner], [String(container.pid()), 'created', container.bundle, userName()])
    assert.is(created, container.state()['created'])
    assert.is(second.indexOf('created'), first.indexOf('STATUS'))
  })
})

test('status and pid follow the container', async () => {
  await withContainer(sleeper, async (container) => {
    const shown = (): readonly unknown[] => {
      const [item] = listJson() ?? []
      return [item?.['status'], item?.['pid']]
    }
    assert.is(listJson(), null)
    mustSucceed(container.create())
    assert.equal(shown(), ['created', container.pid()])
    mustSucceed(container.start())
    assert.equal(shown(), ['running', container.pid()])
    mustSucceed(container.call('pause'))
    assert.equal(shown(), ['paused', container.pid()])
    mustSucceed(container.call('resume'))
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    assert.equal(shown(), ['stopped', 0])
    mustSucceed(container.delete())
    assert.is(listJson(), null)
  })
})

test('several containers are sorted by id, and agree with state', async () => {
  const [one, two] = [newContainer(sleeper, newId('bbb')), newContainer(sleeper, newId('aaa'))]
  try {
    mustSucceed(one.create())
    mustSucceed(two.create())
    const ids = [one.id, two.id].sort()
    assert.equal(
      listJson()?.map((item) => item['id']),
      ids,
    )
    assert.is(mustSucceed(callRuntime(['list', '-q'])).stdout, `${ids.join('\n')}\n`)
    for (const item of listJson() ?? []) {
      const state = JSON.parse(mustSucceed(callRuntime(['state', String(item['id'])])).stdout) as Json
      assert.equal({ ...item, owner: '' }, { ...state, owner: '' })
    }
  } finally {
    one.delete(['--force'])
    two.delete(['--force'])
  }
})

test('annotations are listed', async () => {
  const annotations = { 'org.example.key': 'va"lue', other: '' }
  await withRunning(withArgs(['sleep', '60'], { annotations }), () => {
    assert.equal(listJson()?.[0]?.['annotations'], annotations)
  })
})

test('what is no container is not listed', () => {
  const root = newDir('root')
  mkdirSync(join(root, 'half'))
  writeFileSync(join(root, 'file'), '')
  const outcome = mustSucceed(callRuntime(['list', '--quiet'], { root }))
  assert.is(outcome.stdout, '')
})

test(
  'a root that was named and is not there is refused',
  () => {
    const outcome = callRuntime(['list', '-f', 'json'], { root: newPath('nothing') })
    assertFailure(outcome, { text: /nothing.*no such file or directory/, tsrun: /--root.*ENOENT/ })
  },
  { differsFrom: { 'runc<1.2': 'lists no containers' } },
)

test('an unknown format is refused', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    assertFailure(callRuntime(['list', '--format', 'yaml']), { text: /invalid format option/, tsrun: /--format/ })
  })
})

run()
