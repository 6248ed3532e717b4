// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer, newId, withContainer, withRunning } from '../helpers/container.ts'
import { cgroupHomes, cgroupVersion, readCgroupDir } from '../helpers/host.ts'
import { settledLeaks } from '../helpers/leaks.ts'
import { callRuntime, isTsrun, runtimeName, startRuntime, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { mark, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('remains')
const sleeper = withArgs(['sleep', '60'])
const differsFrom = { runc: 'finds nothing without its state', crun: 'finds nothing without its state' }

function alive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function rmdirIfEmpty(path: string): boolean {
  try {
    rmdirSync(path)
  } catch {
    // Still busy, or gone.
  }
  return !existsSync(path)
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/** Two processes: that of the container, and one of exec. */
async function withTwo(use: (container: Container, pids: readonly number[]) => void | Promise<void>): Promise<void> {
  await withRunning(sleeper, async (container) => {
    const second = `${container.pidFile}.exec`
    mustSucceed(container.exec(['sleep', '61'], ['--detach', '--pid-file', second]))
    await use(container, [container.pid(), Number(readFileSync(second, 'utf8'))])
  })
}

async function assertGone(id: string, pids: readonly number[]): Promise<void> {
  for (const pid of pids) await until(`process ${pid} is gone`, () => !alive(pid))
  assert.equal(await settledLeaks(), [])
  assert.is(existsSync(join(stateRoot, id)), false)
}

for (const paused of [false, true]) {
  test(
    `the state directory is lost${paused ? ', the container paused' : ''}: delete --force ends the processes`,
    async () => {
      await withTwo(async (container, pids) => {
        if (paused) mustSucceed(container.call('pause'))
        rmSync(join(stateRoot, container.id), { recursive: true })
        assertFailure(container.delete(), { text: /does not exist/ })
        mustSucceed(container.delete(['--force']))
        await assertGone(container.id, pids)
      })
    },
    { differsFrom },
  )
}

/** Names that a cgroup may have, and that a walk may stop at or pass over. */
const oddNames = ['.hidden', ...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(3000))]

test(
  'cgroups in the container with long names and with dots get signals, and are removed with it',
  async () => {
    await withTwo(async (container, pids) => {
      const dir = readCgroupDir(container.pid(), cgroupVersion === 1 ? 'freezer' : '') ?? ''
      for (const name of oddNames) mkdirSync(join(dir, name))
      writeFileSync(join(dir, '.hidden/cgroup.procs'), String(pids[1]))
      mustSucceed(container.call('kill', ['--all'], ['TERM']))
      await until('the process below has got it', () => !alive(pids[1] ?? 0))
      mustSucceed(container.delete(['--force']))
      await assertGone(container.id, pids)
    })
  },
  { differsFrom: { runc: 'kill --all is kill where the pid namespace is its own' } },
)

test(
  'cgroups of others with long names hide none whose state directory is lost',
  async () => {
    await withTwo(async (container, pids) => {
      const above = dirname(readCgroupDir(container.pid(), cgroupVersion === 1 ? 'freezer' : '') ?? '')
      const others = oddNames.map((name) => join(above, `${name}${mark}`))
      for (const path of others) mkdirSync(path)
      try {
        rmSync(join(stateRoot, container.id), { recursive: true })
        mustSucceed(container.delete(['--force']))
        assert.ok(others.every((path) => existsSync(path)))
      } finally {
        for (const path of others) rmdirSync(path)
      }
      await assertGone(container.id, pids)
    })
  },
  { differsFrom },
)

for (const [title, damage] of [
  ['is empty', (plan: string) => truncateSync(plan, 0)],
  ['is cut off', (plan: string) => truncateSync(plan, 400)],
  ['holds rubbish', (plan: string) => writeFileSync(plan, 'x'.repeat(4096))],
  [
    'is a directory',
    (plan: string) => {
      rmSync(plan)
      mkdirSync(join(plan, 'below'), { recursive: true })
    },
  ],
  ['is absent', (plan: string) => rmSync(plan)],
  [
    'is absent, and so is the pid',
    (plan: string) => {
      rmSync(plan)
      rmSync(join(plan, '../init'))
    },
  ],
] as const) {
  test(
    `the stored plan ${title}: delete --force ends the processes`,
    async () => {
      await withTwo(async (container, pids) => {
        damage(join(stateRoot, container.id, 'plan'))
        assertFailure(container.delete())
        mustSucceed(container.delete(['--force']))
        await assertGone(container.id, pids)
      })
    },
    { needs: [() => (isTsrun ? undefined : 'about the files of tsrun')] },
  )
}

test(
  'state.json is lost: everything goes on',
  async () => {
    await withTwo(async (container, pids) => {
      rmSync(join(stateRoot, container.id, 'state.json'))
      mustSucceed(container.delete(['--force']))
      await assertGone(container.id, pids)
    })
  },
  { differsFrom },
)

test('a cgroup that is called like the id and belongs to somebody else is left alone', async () => {
  const id = newId('other')
  const dirs = cgroupHomes().map((dir) => join(dir, id))
  for (const dir of dirs) mkdirSync(dir)
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    for (const dir of dirs) if (!dir.includes('cpuset')) writeFileSync(join(dir, 'cgroup.procs'), String(child.pid))
    mustSucceed(callRuntime(['delete', '--force', id]))
    assert.ok(alive(child.pid ?? 0))
    for (const dir of dirs) assert.ok(existsSync(dir))
  } finally {
    child.kill('SIGKILL')
    await ended
    for (const dir of dirs) rmdirSync(dir)
  }
})

/** What `list --orphans` prints about an id: `kind processes`. */
function orphans(id: string): readonly string[] {
  const all = JSON.parse(mustSucceed(callRuntime(['list', '--orphans', '--format', 'json'])).stdout) as readonly {
    readonly kind: string
    readonly id: string
    readonly path: string
    readonly pids: readonly number[]
  }[]
  return all.filter((orphan) => orphan.id === id).map(({ kind, pids }) => `${kind} ${pids.length}`)
}

const onlyTsrun = { needs: [() => (isTsrun ? undefined : 'list --orphans is of tsrun')] }

test(
  'list --orphans: nothing of a container that lives, all of one whose state directory is lost',
  async () => {
    await withTwo(async (container, pids) => {
      assert.equal(orphans(container.id), [])
      rmSync(join(stateRoot, container.id), { recursive: true })
      const found = orphans(container.id)
      assert.equal(new Set(found), new Set(['cgroup 2']))
      const table = mustSucceed(callRuntime(['list', '--orphans'])).stdout
      assert.match(table, /^KIND +ID +PROCESSES +PATH +REASON\n/)
      assert.match(
        table,
        new RegExp(`^cgroup +${container.id} +2 +/sys/fs/cgroup/\\S+ +its state directory is gone$`, 'm'),
      )
      assert.is(mustSucceed(callRuntime(['list', '--orphans', '-q'])).stdout, `${container.id}\n`)
      mustSucceed(container.delete(['--force']))
      assert.equal(orphans(container.id), [])
      await assertGone(container.id, pids)
    })
  },
  onlyTsrun,
)

test(
  'list --orphans: nothing of containers that are being created and deleted meanwhile',
  async () => {
    const seen: string[] = []
    const look = (): void => {
      seen.push(mustSucceed(callRuntime(['list', '--orphans', '-q'])).stdout)
    }
    for (let round = 0; round < 10; round += 1) {
      const container = newContainer(sleeper)
      const creating = startRuntime(['create', '--bundle', container.bundle, container.id])
      look()
      await creating.ended
      const deleting = startRuntime(['delete', '--force', container.id])
      look()
      await deleting.ended
    }
    assert.is(seen.join(''), '')
  },
  onlyTsrun,
)

test(
  'list --orphans after kill -9 of run and its container, and of a create with its guardian',
  async () => {
    await withContainer(sleeper, async (container) => {
      const call = startRuntime(['run', '--bundle', container.bundle, '--pid-file', container.pidFile, container.id])
      await until('it runs', () => callRuntime(['state', container.id]).stdout.includes('"running"'))
      await until('the guardian is dismissed', () => childrenOf(call.child.pid ?? 0).length === 1)
      call.child.kill('SIGKILL')
      await call.ended
      assert.equal(orphans(container.id), [])
      process.kill(container.pid(), 'SIGKILL')
      await container.waitForStatus('stopped')
      assert.equal(orphans(container.id), ['container 0'])
      mustSucceed(container.delete())
      assert.equal(orphans(container.id), [])
    })
    const hooks: Json = { createContainer: [{ path: '/bin/sleep', args: ['sleep', '30'] }] }
    const container = newContainer({ ...sleeper, hooks })
    const call = startRuntime(['create', '--bundle', container.bundle, container.id])
    const named = (name: RegExp): readonly number[] =>
      childrenOf(call.child.pid ?? 0).filter((pid) => name.test(readFileSync(`/proc/${pid}/comm`, 'utf8')))
    const procs = join(cgroupHomes()[0] ?? '', container.id, 'cgroup.procs')
    await until('its hook runs', () => existsSync(procs) && readFileSync(procs, 'utf8').split('\n').length === 3)
    for (const pid of named(/guardian/)) process.kill(pid, 'SIGKILL')
    call.child.kill('SIGKILL')
    await call.ended
    await until('its state tells the end', () => orphans(container.id).join() === 'container 0')
    mustSucceed(container.delete(['--force']))
    assert.equal(orphans(container.id), [])
  },
  onlyTsrun,
)

test(
  'a container of another mount namespace, whose state root is not seen from here, is left alone',
  async () => {
    await withContainer(sleeper, async (container) => {
      const wrapper = ['unshare', '--mount', '--propagation', 'private']
      mustSucceed(container.create([], { wrapper }))
      rmSync(join(stateRoot, container.id), { recursive: true })
      assert.equal(orphans(container.id), [])
      mustSucceed(container.delete(['--force']))
      assert.ok(alive(container.pid()))
      process.kill(container.pid(), 'SIGKILL')
      await until('it is gone', () => !alive(container.pid()))
      for (const dir of cgroupHomes()) {
        const cgroup = join(dir, container.id)
        await until(`${cgroup} is free`, () => rmdirIfEmpty(cgroup))
      }
    })
  },
  onlyTsrun,
)

test(
  'what is mounted in a state directory is not emptied',
  () => {
    const id = newId('mounted')
    const source = join(stateRoot, id, 'inner')
    mkdirSync(source, { recursive: true })
    const precious = newContainer().bundle
    const script = 'mount --bind "$1" "$2"; shift 2; "$@"; code=$?; umount "$0"; exit $code'
    const wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, source, precious, source]
    callRuntime(['delete', '--force', id], { wrapper })
    assert.ok(existsSync(join(precious, 'config.json')))
    rmSync(join(stateRoot, id), { recursive: true, force: true })
  },
  { differsFrom: { runc: 'empties it', crun: 'empties it' } },
)

test(
  'delete --force of a container that is being created waits for it, and deletes it',
  async () => {
    const hooks: Json = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1'] }] }
    await withContainer({ ...sleeper, hooks }, async (container) => {
      const creating = startRuntime(['create', '--bundle', container.bundle, container.id])
      await until('it has begun', () => existsSync(join(stateRoot, container.id, 'lock')))
      mustSucceed(container.delete(['--force']))
      await creating.ended
      assert.equal(await settledLeaks(), [])
      assertFailure(container.call('state'), { text: /does not exist/ })
    })
  },
  { differsFrom: { runc: 'leaves it half made', crun: 'leaves it half made' } },
)

test('of two creates of one id at a time one wins, and the other harms nothing', async () => {
  for (let round = 0; round < 10; round += 1) {
    const container = newContainer(sleeper)
    const calls = [0, 1].map(() => startRuntime(['create', '--bundle', container.bundle, container.id]))
    const codes = (await Promise.all(calls.map(({ ended }) => ended))).map(({ status }) => status)
    assert.equal(codes.toSorted(), [0, 1], calls.map(({ stderr }) => stderr()).join())
    const text = calls.map(({ stderr }) => stderr()).join('')
    assert.match(text, runtimeName === 'runc' ? /already exists|file exists/ : /container with given ID already exists/)
    assert.is(container.status(), 'created')
    mustSucceed(container.start())
    mustSucceed(container.delete(['--force']))
  }
})

test(
  'delete --force that races start leaves nothing',
  async () => {
    for (let round = 0; round < 20; round += 1) {
      const container = newContainer(sleeper)
      mustSucceed(container.create())
      const starting = startRuntime(['start', container.id])
      await new Promise((resolve) => setTimeout(resolve, round / 4))
      mustSucceed(container.delete(['--force']))
      const { status } = await starting.ended
      assert.ok(status === 0 || status === 1, starting.stderr())
      assert.equal(await settledLeaks(), [])
    }
  },
  { timeoutMs: 60_000, differsFrom: { runc: 'start waits for ever for an init that is gone' } },
)

run()
