// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultMounts, type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { type Attempt, findMount, parseAttempts } from '../helpers/report.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('root')

async function attempts(words: string, patch: Json = {}): Promise<readonly Attempt[]> {
  return parseAttempts(mustSucceed(await runOnce(withArgs(['probe', ...words.split(' ')], patch))).stdout)
}

test('root.readonly', async () => {
  const [made] = await attempts('mkdir /home/x')
  assert.is(made?.errno, 'EROFS')
  const rootfs = makeRootfs()
  const [again] = await attempts('mkdir /home/x', { root: { path: rootfs, readonly: false } })
  assert.is(again?.errno, '')
  assert.ok(existsSync(join(rootfs, 'home/x')))
})

// Programs in Go do not mind the case of a field's name, and this one is about security.
test(
  'root.readOnly is taken as readonly',
  async () => {
    // What is told last holds.
    const root = { path: makeRootfs(), readonly: false, readOnly: true }
    const [made] = await attempts('mkdir /home/x', { root })
    assert.is(made?.errno, 'EROFS')
  },
  { differsFrom: { crun: 'minds the case, and passes over what it does not know' } },
)

test('root.path may be relative to the bundle', async () => {
  await withContainer(withArgs(['true'], { root: { path: 'rootfs' } }), (container) => {
    makeRootfs(container.bundle)
    mustSucceed(container.run())
  })
})

test('the host is not visible', async () => {
  const report = await inspect()
  assert.is(findMount(report, '/')?.options.includes('ro'), true)
  const text = (report.mountinfo ?? []).join('\n')
  assert.not.match(text, /\/oldroot|\/\.old/)
  const [up] = await attempts('stat /../../../work')
  assert.is(up?.errno, 'ENOENT')
})

test('a rootfs that the caller alone can enter', async () => {
  const rootfs = makeRootfs()
  chmodSync(join(rootfs, '..'), 0o700)
  mustSucceed(await runOnce(withArgs(['true'], { root: { path: rootfs } })))
})

test('a rootfs without /dev, /proc and /sys gets them', async () => {
  await withContainer(withArgs(['probe', 'report'], { root: { path: 'bare', readonly: false } }), (container) => {
    const bare = join(container.bundle, 'bare')
    mkdirSync(bare)
    const full = makeRootfs()
    mkdirSync(join(bare, 'x'))
    symlinkSync('/x', join(bare, 'link'))
    container.configure({
      root: { path: 'bare', readonly: false },
      process: { args: ['/bin/probe', 'report'] },
      mounts: [...defaultMounts, { destination: '/bin', source: join(full, 'bin'), options: ['bind'] }],
    })
    mustSucceed(container.run())
    for (const name of ['dev', 'proc', 'sys']) {
      assert.ok(existsSync(join(bare, name)), name)
    }
  })
})

run()
