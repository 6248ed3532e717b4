// SPDX-License-Identifier: Apache-2.0
// Two calls for one container at the same time, one a little later than the other, by more each time: both end, and nothing
// is left. TSRUN_TEST_LONG=1 takes smaller steps.
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer } from '../helpers/container.ts'
import { readLeaks, settledLeaks } from '../helpers/leaks.ts'
import { type RunningCall, startRuntime, until } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('races')
const everyStep = process.env['TSRUN_TEST_LONG'] !== undefined
const timeoutMs = everyStep ? 600_000 : 60_000
const sleeps = withArgs(['sleep', '60'])
const withoutPidNamespace: Json = {
  ...sleeps,
  linux: { namespaces: ['mount', 'ipc', 'uts', 'network'].map((type) => ({ type })) },
}

/** Delays of the second call after the first one, and the other way round. */
const delays = Array.from(
  { length: everyStep ? 81 : 11 },
  (_, n) => (n - (everyStep ? 40 : 5)) * (everyStep ? 0.1 : 0.8),
)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface End {
  readonly status: number | null
  readonly stderr: string
}

async function endOf(call: RunningCall): Promise<End> {
  const { status, signal } = await call.ended
  assert.is(signal, null, call.stderr())
  return { status, stderr: call.stderr() }
}

/** Both calls, the second one delayed; negative: the first one. */
async function race(first: readonly string[], second: readonly string[], delay: number): Promise<readonly [End, End]> {
  const [early, later] = delay >= 0 ? [first, second] : [second, first]
  const one = startRuntime(early)
  one.child.stdin?.end()
  await pause(Math.abs(delay))
  const other = startRuntime(later)
  other.child.stdin?.end()
  const ends = [await endOf(one), await endOf(other)] as const
  return delay >= 0 ? ends : [ends[1], ends[0]]
}

async function withEach(config: Json, use: (container: Container, delay: number) => Promise<void>): Promise<void> {
  for (const delay of delays) {
    const container = newContainer(config)
    mustSucceed(container.create())
    await use(container, delay)
    mustSucceed(container.delete(['--force']))
    assert.equal(await settledLeaks(), [], `${delay} ms`)
  }
}

const running = (container: Container): void => void mustSucceed(container.start())
const differsFrom = { runc: 'leaves cgroups in some of them', crun: 'leaves cgroups in some of them' }

test(
  'start and delete --force',
  () =>
    withEach(sleeps, async ({ id }, delay) => {
      const [start, gone] = await race(['start', id], ['delete', '--force', id], delay)
      assert.is(gone.status, 0, gone.stderr)
      if (start.status !== 0) assert.match(start.stderr, /does not exist|has stopped|already running|container init/)
    }),
  { timeoutMs, differsFrom },
)

test(
  'start and kill',
  () =>
    withEach(sleeps, async (container, delay) => {
      const { id } = container
      const [start, kill] = await race(['start', id], ['kill', id, 'KILL'], delay)
      assert.is(kill.status, 0, kill.stderr)
      if (start.status !== 0) assert.match(start.stderr, /has stopped|already running|container init/)
      await container.waitForStatus('stopped')
    }),
  { timeoutMs, differsFrom },
)

for (const [title, config] of [
  ['', sleeps],
  [', without a pid namespace', withoutPidNamespace],
] as const) {
  test(
    `exec and delete --force${title}`,
    () =>
      withEach(config, async (container, delay) => {
        running(container)
        // Not detached: whoever gets its process may take long to reap it, and init ends after all others.
        const exec = ['exec', container.id, 'sleep', '61']
        const [, gone] = await race(exec, ['delete', '--force', container.id], delay)
        assert.is(gone.status, 0, gone.stderr)
        await until('no process is left', () => readLeaks().processes.length === 0)
      }),
    { timeoutMs, differsFrom },
  )
}

test(
  'exec and kill',
  () =>
    withEach(sleeps, async (container, delay) => {
      running(container)
      const [, kill] = await race(['exec', container.id, 'sleep', '61'], ['kill', container.id, 'KILL'], delay)
      assert.is(kill.status, 0, kill.stderr)
      await container.waitForStatus('stopped')
    }),
  { timeoutMs, differsFrom },
)

test(
  'create and delete --force',
  async () => {
    for (const delay of delays) {
      const container = newContainer(sleeps)
      const { id, bundle } = container
      const [made, gone] = await race(['create', '--bundle', bundle, id], ['delete', '--force', id], delay)
      assert.is(gone.status, 0, gone.stderr)
      if (made.status !== 0) assert.match(made.stderr, /level=error/)
      mustSucceed(container.delete(['--force']))
      assert.equal(await settledLeaks(), [], `${delay} ms`)
    }
  },
  { timeoutMs, differsFrom },
)

test(
  'create, of one id',
  async () => {
    for (const delay of delays) {
      const container = newContainer(sleeps)
      const create = ['create', '--bundle', container.bundle, container.id]
      const ends = await race(create, create, delay)
      assert.is(ends.filter(({ status }) => status === 0).length, 1, ends.map(({ stderr }) => stderr).join())
      assert.is(container.status(), 'created')
      mustSucceed(container.delete(['--force']))
    }
  },
  { timeoutMs, differsFrom: { 'runc<1.3': 'both can fail', crun: 'both can fail' } },
)

test(
  'pause and delete --force',
  () =>
    withEach(sleeps, async (container, delay) => {
      running(container)
      const [, gone] = await race(['pause', container.id], ['delete', '--force', container.id], delay)
      assert.is(gone.status, 0, gone.stderr)
    }),
  { timeoutMs, differsFrom },
)

run()
