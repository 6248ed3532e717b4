// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, merge, withArgs, withMounts } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newSource, withContainer, withRunning } from '../helpers/container.ts'
import { needsController } from '../helpers/host.ts'
import { type CallOptions, callRuntime, isTsrun, type RunningCall, startRuntime, until } from '../helpers/runtime.ts'
import { scaled } from '../helpers/slow.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('events')
const mebibyte = 1024 * 1024
const limits = { memory: { limit: 32 * mebibyte, swap: 32 * mebibyte }, pids: { limit: 40 } }
const config = withArgs(['sleep', '60'], { linux: { resources: limits } })
const needs = ['memory', 'pids'].map(needsController)

function parse(output: string): readonly Json[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)
}

/** Calls events without waiting, and ends it afterwards. */
async function withEvents(
  container: Container,
  flags: readonly string[],
  use: (call: RunningCall, events: () => readonly Json[]) => Promise<void>,
  options: CallOptions = {},
): Promise<void> {
  const call = startRuntime(['events', ...flags, container.id], options)
  try {
    // The last line may not be whole yet.
    await use(call, () => parse(call.stdout().replace(/[^\n]*$/, '')))
  } finally {
    call.child.kill('SIGKILL')
    await call.ended
  }
}

/** What waits for an event tells nobody that it does, but ours has a process that does. */
function startUp({ child }: RunningCall): Promise<void> {
  if (!isTsrun) return new Promise((resolve) => setTimeout(resolve, scaled(500)))
  const waits = (pid: string): boolean => readText(`/proc/${pid}/cmdline`).includes('\0oom\0')
  const children = (): readonly string[] => readText(`/proc/${child.pid}/task/${child.pid}/children`).split(' ')
  return until('it watches the memory', () => children().filter(Boolean).some(waits))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // gone meanwhile
  }
}

test(
  '--stats prints one line',
  async () => {
    await withRunning(config, (container) => {
      const { stdout } = mustSucceed(container.call('events', ['--stats']))
      assert.ok(stdout.endsWith('\n'))
      const [event, ...more] = parse(stdout)
      assert.is(more.length, 0)
      assert.equal(Object.keys(event ?? {}), ['type', 'id', 'data'])
      assert.equal([event?.['type'], event?.['id']], ['stats', container.id])
      const data = event?.['data'] as Record<string, Json>
      for (const key of ['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces']) {
        assert.ok(key in data, key)
      }
      const { usage, swap, raw } = data['memory'] as Record<string, Json>
      assert.is(usage?.['limit'], 32 * mebibyte)
      assert.is(swap?.['limit'], 32 * mebibyte)
      assert.ok(Number(usage?.['usage']) > 4096 && Number(usage?.['usage']) < 32 * mebibyte)
      assert.is(usage?.['failcnt'], 0)
      assert.ok('pgfault' in (raw ?? {}))
      assert.equal(data['pids'], { current: 1, limit: 40 })
      const time = data['cpu']?.['usage'] as Json
      assert.ok(Number(time['total']) > 1000)
      assert.type(time['kernel'], 'number')
      assert.equal(data['cpu']?.['throttling'], {})
    })
  },
  { needs },
)

test(
  'a line for each interval, until the container ends',
  async () => {
    await withRunning(config, async (container) => {
      await withEvents(container, ['--interval', '100ms'], async ({ ended }, events) => {
        await until('three lines', () => events().length >= 3)
        assert.ok(events().every(({ type, id }) => type === 'stats' && id === container.id))
        mustSucceed(container.kill('KILL'))
        await container.waitForStatus('stopped')
        mustSucceed(container.delete())
        assert.is((await ended).status, 0)
      })
    })
  },
  { needs },
)

test(
  'the end of the container ends a long interval, too',
  async () => {
    await withRunning(config, async (container) => {
      await withEvents(container, ['--interval', '1h'], async (call, events) => {
        const { ended, stderr } = call
        await startUp(call)
        mustSucceed(container.kill('KILL'))
        await container.waitForStatus('stopped')
        assert.is((await ended).status, 0, stderr())
        assert.equal(events(), [])
      })
    })
  },
  { needs, differsFrom: { runc: 'waits for the cgroup to be removed', crun: 'has no such command' } },
)

test(
  'a process that is killed for want of memory is told, and the container goes on',
  async () => {
    await withRunning(config, async (container) => {
      await withEvents(container, ['--interval', '1h'], async (call, events) => {
        await startUp(call)
        assert.is(container.exec(['probe', 'memory', '200']).status, 137)
        await until('an event', () => events().some(({ type }) => type === 'oom'))
        const event = events().find(({ type }) => type === 'oom')
        assert.equal(event, { type: 'oom', id: container.id })
        assert.is(container.status(), 'running')
      })
    })
  },
  { needs },
)

test(
  'want of memory that ends a container of run, which is deleted at once, is told',
  async () => {
    const source = newSource()
    const script = 'until [ -e /home/go ]; do sleep 0.05; done; exec probe memory 200'
    const mounts = withMounts([{ destination: '/home', source, options: ['bind'] }])
    await withContainer(merge(merge(config, withArgs(['sh', '-c', script])), mounts), async (container) => {
      const running = startRuntime(['run', '--bundle', container.bundle, container.id])
      await until('it runs', () => callRuntime(['state', container.id]).stdout.includes('"running"'))
      await withEvents(container, ['--interval', '1h'], async (call, events) => {
        await startUp(call)
        writeFileSync(join(source, 'go'), '')
        assert.is((await running.ended).status, 137)
        assert.is((await call.ended).status, 0)
        assert.equal(events(), [{ type: 'oom', id: container.id }])
      })
    })
  },
  { needs },
)

test('a paused container has statistics', async () => {
  await withRunning(config, (container) => {
    mustSucceed(container.call('pause'))
    assert.is(parse(mustSucceed(container.call('events', ['--stats'])).stdout).length, 1)
    mustSucceed(container.call('resume'))
  })
})

test('an interval that is none, and a container that has ended, are refused', async () => {
  await withRunning(config, async (container) => {
    const events = (flags: readonly string[]) => container.call('events', flags)
    assertFailure(events(['--interval', '0s']), { text: /duration interval must be greater than 0/ })
    assertFailure(events(['--interval', '5']), { text: /invalid value .*5.* for flag -interval: parse error/ })
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    assertFailure(events(['--stats']), { text: /container with id \S+ is not running/ })
    mustSucceed(container.delete())
    assertFailure(events(['--stats']), { text: /container does not exist/ })
  })
})

test('a reader that goes away ends it', async () => {
  await withRunning(config, async (container) => {
    const wrapper = ['sh', '-c', '"$@" | head -n 1', 'sh']
    await withEvents(
      container,
      ['--interval', '100ms'],
      async ({ ended }, events) => {
        await ended
        assert.is(events().length, 1)
      },
      { wrapper },
    )
  })
})

run()
