// SPDX-License-Identifier: Apache-2.0
// Too little memory, a disk that is full at one point or another, a read-only one: a call fails with a message or does what
// it should, ends in time, and leaves nothing.
import { spawnSync } from 'node:child_process'
import { readdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer, withRunning } from '../helpers/container.ts'
import { needsController } from '../helpers/host.ts'
import { settledLeaks } from '../helpers/leaks.ts'
import { callRuntime, type Outcome } from '../helpers/runtime.ts'
import { assertFailure, hostSuite, unmount } from '../helpers/suite.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('starved')
const everyStep = process.env['TSRUN_TEST_LONG'] !== undefined
const timeoutMs = everyStep ? 600_000 : 60_000
const needsMemory = [needsController('memory')]
const peersHang = { runc: 'hangs or leaves cgroups when it runs out of memory', crun: 'leaves its state directory' }

function memory(limit: number): Json {
  return { linux: { resources: { memory: { limit } } } }
}

/** Ended by itself, with status 0 or a message. */
function assertToldOrDone({ status, signal, stderr, command }: Outcome): void {
  assert.is(signal, null, command)
  if (status !== 0) assert.match(stderr, /level=error/, command)
}

test(
  'create and start with any memory limit: done, or told why not',
  async () => {
    for (let kilobytes = 4; kilobytes <= 1024; kilobytes += everyStep ? 4 : 60) {
      const container = newContainer(withArgs(['sleep', '60'], memory(kilobytes * 1024)))
      const made = container.create()
      assertToldOrDone(made)
      if (made.status === 0) assertToldOrDone(container.start())
      mustSucceed(container.delete(['--force']))
      assert.equal(await settledLeaks(), [], `${kilobytes} kB`)
    }
  },
  { needs: needsMemory, timeoutMs, differsFrom: peersHang },
)

test(
  'exec into a container that has no memory left: done, or told why not',
  async () => {
    for (let kilobytes = 400; kilobytes <= 1000; kilobytes += everyStep ? 20 : 150) {
      await withRunning(withArgs(['sleep', '60']), (container) => {
        container.call('update', ['--memory', `${kilobytes * 1024}`])
        const { status, signal } = container.exec(['true'])
        assert.is(signal, null)
        // 137: the process itself was killed.
        assert.ok([0, 137, 255].includes(status ?? -1), String(status))
        mustSucceed(container.call('state'))
      })
    }
  },
  { needs: needsMemory, timeoutMs, differsFrom: peersHang },
)

/** A file system for state directories, with a file that takes what is to be taken. */
function withSmallDisk(use: (root: string, leave: (kilobytes: number) => void) => void): void {
  const root = newDir('small')
  const filler = join(root, 'filler')
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', root], { encoding: 'utf8' })
  assert.is(mounted.status, 0, mounted.stderr)
  try {
    use(root, (kilobytes) => {
      writeFileSync(filler, '')
      const { bavail, bsize } = statfsSync(root)
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - kilobytes * 1024)))
    })
  } finally {
    unmount(root)
  }
}

function assertWorksOrTells(container: Container, root: string, kilobytes: number): void {
  const told = `${kilobytes} kB left`
  const made = callRuntime(['create', '--bundle', container.bundle, container.id], { root })
  if (made.status !== 0) {
    assertFailure(made, { text: /no space left on device/, tsrun: /ENOSPC/ })
    assert.equal(readdirSync(root), ['filler'], told)
    return
  }
  for (const args of [['state'], ['start'], ['pause'], ['resume'], ['kill']]) {
    const [verb = ''] = args
    mustSucceed(callRuntime([verb, container.id], { root }))
  }
  mustSucceed(callRuntime(['delete', '--force', container.id], { root }))
  assert.equal(readdirSync(root), ['filler'], told)
}

test(
  'a disk for state directories that is full at any point of create',
  () => {
    withSmallDisk((root, leave) => {
      for (let kilobytes = 0; kilobytes <= 48; kilobytes += everyStep ? 1 : 4) {
        leave(kilobytes)
        assertWorksOrTells(newContainer(withArgs(['sleep', '60'])), root, kilobytes)
      }
    })
  },
  { timeoutMs, differsFrom: { crun: 'writes less', runc: 'leaves cgroups' } },
)

test('exec with a full disk for state directories', () => {
  withSmallDisk((root, leave) => {
    const container = newContainer(withArgs(['sleep', '60']))
    mustSucceed(callRuntime(['create', '--bundle', container.bundle, container.id], { root }))
    mustSucceed(callRuntime(['start', container.id], { root }))
    leave(0)
    for (const word of ['a', 'b', 'c']) {
      const outcome = mustSucceed(callRuntime(['exec', container.id, 'echo', word], { root }))
      assert.is(outcome.stdout, `${word}\n`)
    }
    mustSucceed(callRuntime(['delete', '--force', container.id], { root }))
    assert.equal(readdirSync(root), ['filler'])
  })
})

test('the disk for state directories becomes read-only while a container runs', () => {
  withSmallDisk((root) => {
    const container = newContainer(withArgs(['sleep', '60']))
    mustSucceed(callRuntime(['create', '--bundle', container.bundle, container.id], { root }))
    mustSucceed(callRuntime(['start', container.id], { root }))
    const remount = (how: string): void => {
      assert.is(spawnSync('mount', ['-o', `remount,${how}`, root]).status, 0)
    }
    remount('ro')
    try {
      assert.match(mustSucceed(callRuntime(['state', container.id], { root })).stdout, /"running"/)
      mustSucceed(callRuntime(['exec', container.id, 'true'], { root }))
      mustSucceed(callRuntime(['kill', container.id, 'KILL'], { root }))
      assertFailure(callRuntime(['delete', '--force', container.id], { root }), { text: /read-only file system/ })
    } finally {
      remount('rw')
    }
    mustSucceed(callRuntime(['delete', '--force', container.id], { root }))
  })
})

test('no memory file system for caches: exec and create do without', () => {
  const container = newContainer(withArgs(['sleep', '60']))
  const script = 'mkdir -p /run/tsrun-cache && mount -t tmpfs -o ro tmpfs /run/tsrun-cache && exec "$@"'
  const wrapper = ['unshare', '-m', 'sh', '-c', script, 'sh']
  mustSucceed(container.create([], { wrapper }))
  mustSucceed(container.start())
  mustSucceed(container.exec(['true'], [], { wrapper }))
  mustSucceed(container.delete(['--force']))
})

const noPidFile = { differsFrom: { runc: 'leaves the file that it has begun' } }

test(
  'a log and a pid file on a full disk',
  () => {
    const container = newContainer(withArgs(['true']))
    const dir = newDir('full')
    assert.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', dir]).status, 0)
    try {
      writeFileSync(join(dir, 'filler'), Buffer.alloc(4096))
      const flags = ['--log', join(dir, 'log'), 'create', '--bundle', container.bundle, '--pid-file', join(dir, 'pid')]
      const outcome = callRuntime([...flags, container.id])
      if (outcome.status === 0) mustSucceed(container.delete(['--force']))
      assert.ok(!readdirSync(dir).includes('.pid'), newPath(''))
    } finally {
      unmount(dir)
    }
  },
  noPidFile,
)

run()
