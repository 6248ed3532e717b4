// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer } from '../helpers/container.ts'
import { needsFile } from '../helpers/host.ts'
import { leakLines, readLeaks } from '../helpers/leaks.ts'
import { callRuntime, isTsrun, startProgram, startRuntime, until } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('load')
const total = 200
const atOnce = 20

async function must(args: readonly string[]): Promise<void> {
  const call = startRuntime(args)
  call.child.stdin?.end()
  const { status, signal } = await call.ended
  assert.is(status, 0, `${args.join(' ')}: ${status ?? signal} ${call.stderr()}`)
}

test(
  `${total} containers are created, started and deleted, ${atOnce} at a time`,
  async () => {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < total) {
        next += 1
        const container = newContainer(withArgs(next % 2 === 0 ? ['true'] : ['sleep', '60']))
        await must(['create', '--bundle', container.bundle, container.id])
        await must(['start', container.id])
        await must(['delete', '--force', container.id])
      }
    }
    const start = performance.now()
    await Promise.all(Array.from({ length: atOnce }, worker))
    process.stdout.write(`${total} containers in ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
    assert.is(callRuntime(['list', '-q']).stdout, '')
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(leakLines(readLeaks()), [])
  },
  { timeoutMs: 120_000 },
)

test(
  'two creates of the same id at once: one wins, the other is refused',
  async () => {
    for (let round = 0; round < 5; round += 1) {
      const container = newContainer(withArgs(['sleep', '60']))
      const calls = [0, 1, 2].map(() => startRuntime(['create', '--bundle', container.bundle, container.id]))
      const ends = await Promise.all(calls.map((call) => call.ended))
      const winners = ends.filter((end) => end.status === 0)
      assert.is(winners.length, 1, calls.map((call) => call.stderr()).join('\n'))
      assert.is(container.status(), 'created')
      assert.is(container.delete(['--force']).status, 0)
    }
  },
  { differsFrom: { 'runc<1.3': 'checks, then makes the state directory: both can fail' } },
)

test(
  'one container is started by several at once: one does, the others are told',
  async () => {
    for (let round = 0; round < 20; round += 1) {
      const container = newContainer(withArgs(['sleep', '60']))
      await must(['create', '--bundle', container.bundle, container.id])
      const calls = [0, 1, 2, 3].map(() => startRuntime(['start', container.id]))
      const ends = await Promise.all(calls.map((call) => call.ended))
      const told = calls.map((call) => call.stderr()).join('\n')
      assert.is(ends.filter(({ status }) => status === 0).length, 1, told)
      assert.is(told.match(/cannot start an already running container/g)?.length, 3, told)
      assert.is(container.status(), 'running')
      await must(['delete', '--force', container.id])
    }
  },
  { differsFrom: { runc: 'several starts may succeed', crun: 'says it in other words' } },
)

test('one container is deleted by several at once', async () => {
  for (let round = 0; round < 5; round += 1) {
    const container = newContainer(withArgs(['sleep', '60']))
    await must(['create', '--bundle', container.bundle, container.id])
    const calls = [0, 1, 2].map(() => startRuntime(['delete', '--force', container.id]))
    const ends = await Promise.all(calls.map((call) => call.ended))
    assert.ok(
      ends.some((end) => end.status === 0),
      calls.map((call) => call.stderr()).join('\n'),
    )
    assert.is(callRuntime(['state', container.id]).status, 1)
  }
})

test(
  'a delete that waits for another one does not take a container that was made since',
  async () => {
    const container = newContainer(withArgs(['sleep', '60']))
    const dir = join(stateRoot, container.id)
    mustSucceed(container.create())
    process.kill(container.pid(), 'SIGKILL')
    await container.waitForStatus('stopped')
    // The other delete: it has the lock, and is about to be through.
    const other = startProgram('flock', [join(dir, 'lock'), 'sh', '-c', 'echo; cat'])
    await until('it has the lock', () => other.stdout() !== '')
    const waits = startRuntime(['delete', '--force', container.id])
    await new Promise((resolve) => setTimeout(resolve, 100))
    rmSync(dir, { recursive: true })
    mustSucceed(container.create())
    other.child.stdin?.end()
    await other.ended
    assert.is((await waits.ended).status, 0, waits.stderr())
    assert.is(container.status(), 'created')
    mustSucceed(container.delete(['--force']))
  },
  { needs: [() => (isTsrun ? undefined : 'about the lock of tsrun'), needsFile('/usr/bin/flock')] },
)

test(
  'state and list while containers come and go',
  async () => {
    const container = newContainer(withArgs(['sleep', '60']))
    let stop = false
    const churn = (async (): Promise<void> => {
      for (let round = 0; round < 10; round += 1) {
        await must(['create', '--bundle', container.bundle, container.id])
        await must(['start', container.id])
        await must(['delete', '--force', container.id])
      }
      stop = true
    })()
    while (!stop) {
      const list = startRuntime(['list', '--format', 'json'])
      const { status } = await list.ended
      assert.is(status, 0, list.stderr())
      JSON.parse(list.stdout())
      const state = startRuntime(['state', container.id])
      if ((await state.ended).status === 0) {
        JSON.parse(state.stdout())
      }
    }
    await churn
  },
  { differsFrom: { 'runc<1.3': 'list fails when a container goes meanwhile' } },
)

run()
