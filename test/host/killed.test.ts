// SPDX-License-Identifier: Apache-2.0
// Each process of the runtime is killed -9 where it enters its first, second, third ... system call. Whatever was on the way
// is complete or undone, and goes away with `delete --force`. TSRUN_TEST_LONG=1 takes every call, else every so manieth.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultMounts, defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer } from '../helpers/container.ts'
import { cgroupVersion, isRootless, needsController, readCgroupDir } from '../helpers/host.ts'
import { leakLines, readLeaks, settledLeaks } from '../helpers/leaks.ts'
import { programPath } from '../helpers/programs.ts'
import { withOwnIdAlone } from '../helpers/rootless.ts'
import { callRuntime, isTsrun, type Outcome, runtimePath, startProgram, until } from '../helpers/runtime.ts'
import { newCache } from '../helpers/own-cache.ts'
import { hostSuite } from '../helpers/suite.ts'
import { stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('killed')
const everyCall = process.env['TSRUN_TEST_LONG'] !== undefined
const options = {
  needs: [() => (isTsrun ? undefined : 'about the processes of tsrun')],
  timeoutMs: everyCall ? 900_000 : 60_000,
}

function usual(args: readonly string[]): Json {
  const config = withArgs(args, { mounts: defaultMounts, linux: { namespaces: defaultNamespaces } })
  // Where a process is traced, newuidmap has no powers.
  return isRootless ? withOwnIdAlone(config) : config
}
const sleeps = usual(['sleep', '60'])

/** What kill-at says. */
const notReached = 10
const late = 11

const { dir: cache, wrapper: inCache } = newCache()
const emptyCache = 'rm -rf "$0"/*; '

/** Number of the process among those that a front makes. */
const front = 0
const firstChild = 1
const secondChild = 2

interface Sweep {
  readonly args: (container: Container) => readonly string[]
  readonly which: number
  /** Of the calls that are tried, in the short run. */
  readonly step: number
  readonly wrapper?: readonly string[]
  readonly config?: Json
  readonly before?: (container: Container) => void
  readonly after: (container: Container, outcome: Outcome) => void | Promise<void>
}

/** Kills the process at one call after the other, with a fresh container each time, until it makes no more. */
async function sweep({ args, which, step, wrapper = inCache(), config = sleeps, before, after }: Sweep): Promise<void> {
  for (let number = 1; ; number += everyCall ? 1 : step) {
    const container = newContainer(config)
    before?.(container)
    const killer = [...wrapper, programPath('kill-at'), String(which), String(number)]
    const outcome = callRuntime(args(container), { wrapper: killer, timeoutMs: 60_000 })
    const told = `call ${number}: ${outcome.stderr}`
    assert.is.not(outcome.status, late, told)
    try {
      await after(container, outcome)
      assert.equal(await settledLeaks(), [], told)
    } catch (e: unknown) {
      throw new Error(`call ${number}: ${e instanceof Error ? `${e.message}\n${e.stack}` : e}\n${outcome.stderr}`)
    }
    if (outcome.status === notReached) {
      assert.ok(number > 6, `only ${number} calls`)
      assert.equal(temporaries(), [])
      return
    }
    assert.is(outcome.status, 0, told)
  }
}

/** Files that are half written, in the cache. */
function temporaries(): readonly string[] {
  return readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((path) => /(^|\/)\./.test(path))
}

const create = ({ bundle, id }: Container): readonly string[] => ['create', '--bundle', bundle, id]
const isThere = ({ id }: Container): boolean => readdirSync(stateRoot).includes(id)

/** Waits until nothing is left of a container, or nothing but an init that waits to be started. */
async function wholeOrGone(container: Container): Promise<'whole' | 'gone'> {
  let found: 'whole' | 'gone' | undefined
  await until(`${container.id} is created as a whole, or gone`, () => {
    const { processes } = readLeaks()
    if (leakLines(readLeaks()).length === 0) found = 'gone'
    else if (processes.length === 1 && isThere(container)) {
      const outcome = container.call('state')
      const pid = outcome.status === 0 ? (JSON.parse(outcome.stdout) as { pid: number; status: string }) : undefined
      if (pid?.status === 'created' && processes[0]?.startsWith(`${pid.pid} `)) found = 'whole'
    }
    return found !== undefined
  })
  return found ?? 'gone'
}

function pidsLimit(container: Container): number {
  const dir = readCgroupDir(container.pid(), cgroupVersion === 1 ? 'pids' : '') ?? ''
  return Number(readFileSync(join(dir, 'pids.max'), 'utf8'))
}

function remove(container: Container): void {
  mustSucceed(container.delete(['--force']))
}

test(
  'create: the front, with a kept plan',
  async () => {
    for (let round = 0; round < 3; round++) {
      const container = newContainer(sleeps)
      mustSucceed(callRuntime(create(container), { wrapper: inCache() }))
      remove(container)
    }
    const after = async (container: Container): Promise<void> => {
      if ((await wholeOrGone(container)) === 'gone') return
      mustSucceed(container.start())
      remove(container)
    }
    await sweep({ args: create, which: front, step: 23, after })
  },
  options,
)

test(
  'create: the guardian',
  () =>
    sweep({
      args: create,
      which: firstChild,
      step: 3,
      after: (container) => {
        mustSucceed(container.start())
        remove(container)
      },
    }),
  options,
)

test(
  'create: init',
  () =>
    sweep({
      args: create,
      which: secondChild,
      step: 29,
      after: (container, { stderr }) => {
        if (!isThere(container)) assert.match(stderr, /container init/)
        remove(container)
      },
    }),
  options,
)

test(
  'create: the front, without a plan',
  () =>
    sweep({
      args: create,
      which: front,
      step: 61,
      wrapper: inCache(emptyCache),
      after: async (container) => {
        if ((await wholeOrGone(container)) === 'whole') remove(container)
      },
    }),
  options,
)

test(
  'create: the planner',
  () =>
    sweep({
      args: create,
      which: firstChild,
      step: 97,
      wrapper: inCache(emptyCache),
      after: async (container, { stderr }) => {
        if ((await wholeOrGone(container)) === 'whole') remove(container)
        else assert.match(stderr, /tsrun-plan/)
      },
    }),
  options,
)

test(
  'start',
  () =>
    sweep({
      args: ({ id }) => ['start', id],
      which: front,
      step: 7,
      before: (container) => void mustSucceed(container.create()),
      after: async (container) => {
        await until('created or running', () => ['created', 'running'].includes(container.status()))
        if (container.status() === 'created') container.start()
        await container.waitForStatus('running')
        remove(container)
      },
    }),
  options,
)

for (const [title, which, step] of [
  ['the front', front, 31],
  ['the process in between', firstChild, 47],
  ['the process that becomes the user’s', secondChild, 7],
] as const) {
  test(
    `exec: ${title}`,
    () =>
      sweep({
        args: ({ id }) => ['exec', id, 'sh', '-c', 'exit 0'],
        which,
        step,
        before: (container) => {
          mustSucceed(container.create())
          mustSucceed(container.start())
        },
        after: async (container) => {
          await until('only init is left', () => readLeaks().processes.length === 1)
          mustSucceed(container.exec(['true']))
          assert.is(container.status(), 'running')
          remove(container)
        },
      }),
    options,
  )
}

test(
  'run',
  () =>
    sweep({
      args: ({ bundle, id }) => ['run', '--detach', '--bundle', bundle, id],
      which: front,
      step: 31,
      after: async (container) => {
        await until('nothing but init is left', () => readLeaks().processes.length <= 1)
        remove(container)
      },
    }),
  options,
)

test(
  'run in the foreground',
  () =>
    sweep({
      args: ({ bundle, id }) => ['run', '--bundle', bundle, id],
      which: front,
      step: 31,
      // It ends by itself, as whoever would wait for it may be gone.
      config: usual(['sleep', '0.05']),
      after: async (container) => {
        await until('nothing is left that runs', () => readLeaks().processes.length === 0)
        remove(container)
      },
    }),
  options,
)

test(
  'update',
  () =>
    sweep({
      args: ({ id }) => ['update', '--pids-limit', '20', id],
      which: front,
      step: 51,
      before: (container) => {
        mustSucceed(container.create())
        mustSucceed(container.start())
        mustSucceed(container.call('update', ['--pids-limit', '10']))
      },
      after: (container) => {
        assert.ok([10, 20].includes(pidsLimit(container)), 'the limit before, or that after')
        mustSucceed(container.call('update', ['--pids-limit', '30']))
        assert.is(pidsLimit(container), 30)
        assert.is(container.status(), 'running')
        remove(container)
      },
    }),
  { ...options, needs: [...options.needs, needsController('pids')] },
)

for (const [title, begin] of [
  ['created', 0],
  ['running', 1],
] as const) {
  test(
    `delete --force of a ${title} container`,
    () =>
      sweep({
        args: ({ id }) => ['delete', '--force', id],
        which: front,
        step: 13,
        before: (container) => {
          mustSucceed(container.create())
          if (begin === 1) mustSucceed(container.start())
        },
        after: remove,
      }),
    options,
  )
}

for (const verb of ['pause', 'resume', 'kill'] as const) {
  test(
    verb,
    () =>
      sweep({
        args: ({ id }) => [verb, id],
        which: front,
        step: 9,
        before: (container) => {
          mustSucceed(container.create())
          mustSucceed(container.start())
          if (verb === 'resume') mustSucceed(container.call('pause'))
        },
        after: (container) => {
          mustSucceed(container.call('state'))
          remove(container)
        },
      }),
    options,
  )
}

test(
  'the caller is killed: the front finishes what it began',
  async () => {
    for (let delay = 0; delay < 12; delay += everyCall ? 0.25 : 2) {
      const container = newContainer(sleeps)
      const words = [runtimePath, '--root', stateRoot, ...create(container)]
      // As a shim: something that waits for the runtime, and is gone.
      const call = startProgram('sh', ['-c', '"$@" & echo; wait', 'sh', ...words])
      await until('it has begun', () => call.stdout() !== '')
      await new Promise((resolve) => setTimeout(resolve, delay))
      call.child.kill('SIGKILL')
      await call.ended
      await until('created', () => isThere(container) && container.call('state').stdout.includes('"created"'))
      mustSucceed(container.start())
      remove(container)
      assert.equal(await settledLeaks(), [], join('after', `${delay} ms`))
    }
  },
  options,
)

run()
