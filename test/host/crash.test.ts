// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { cgroupsPathOf, mustSucceed, newContainer, withContainer } from '../helpers/container.ts'
import { needsController, readCgroupMounts } from '../helpers/host.ts'
import { settledLeaks } from '../helpers/leaks.ts'
import { callRuntime, isTsrun, runtimePath, startProgram, startRuntime } from '../helpers/runtime.ts'
import { assertFailure, hostSuite, unmount } from '../helpers/suite.ts'
import { newDir, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('crash')
const onlyTsrun = { needs: [() => (isTsrun ? undefined : 'about the parts of tsrun')] }

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** How long a create takes here, in ms. */
function measureCreate(): number {
  const container = newContainer(withArgs(['sleep', '60']))
  const start = performance.now()
  mustSucceed(container.create())
  const took = performance.now() - start
  mustSucceed(container.delete(['--force']))
  return took
}

test(
  'the front is killed -9 at any moment of create: delete --force leaves nothing, the id is free',
  async () => {
    const length = Math.ceil(measureCreate()) + 4
    for (let delay = 0; delay <= length; delay += Math.max(1, Math.round(length / 25))) {
      const container = newContainer(withArgs(['sleep', '60']))
      const call = startRuntime(['create', '--bundle', container.bundle, container.id])
      await sleep(delay)
      call.child.kill('SIGKILL')
      await call.ended
      await sleep(5) // init and planner see their peer go
      mustSucceed(container.delete(['--force']))
      assert.equal(await settledLeaks(), [], `killed after ${delay} ms`)
      if (isTsrun) assert.is(mustSucceed(callRuntime(['list', '--orphans', '-q'])).stdout, '', `after ${delay} ms`)
      mustSucceed(container.create())
      mustSucceed(container.delete(['--force']))
    }
  },
  { timeoutMs: 60_000, differsFrom: { runc: 'leaves cgroups and init, as its state file comes last' } },
)

test(
  'a front that dies in the middle of create takes its init with it',
  async () => {
    const container = newContainer({
      ...withArgs(['sleep', '60']),
      hooks: { createContainer: [{ path: '/bin/sleep', args: ['sleep', '1'] }] },
    })
    const call = startRuntime(['create', '--bundle', container.bundle, container.id])
    await sleep(150)
    call.child.kill('SIGKILL')
    await call.ended
    await sleep(1200)
    mustSucceed(container.delete(['--force']))
    assert.equal(await settledLeaks(), [])
  },
  { differsFrom: { runc: 'leaves cgroups, as its state file comes last' } },
)

test('run is killed -9: the container can be deleted', async () => {
  await withContainer(withArgs(['sleep', '60']), async (container) => {
    const call = startRuntime(['run', '--bundle', container.bundle, container.id])
    while (!callRuntime(['state', container.id]).stdout.includes('"running"')) {
      await sleep(5)
    }
    call.child.kill('SIGKILL')
    await call.ended
    mustSucceed(container.delete(['--force']))
  })
})

test('init is killed between create and start', async () => {
  await withContainer(withArgs(['sleep', '60']), async (container) => {
    mustSucceed(container.create())
    process.kill(container.pid(), 'SIGKILL')
    await container.waitForStatus('stopped')
    assertFailure(container.start(), { text: /cannot start a container that has stopped/ })
    mustSucceed(container.delete())
  })
})

test('the state directory is on a full disk', () => {
  const root = newDir('full')
  mustMount(['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', root])
  try {
    spawnSync('dd', ['if=/dev/zero', `of=${join(root, 'filler')}`, 'bs=4k'], { stdio: 'ignore' })
    const container = newContainer(withArgs(['true']))
    const outcome = callRuntime(['create', '--bundle', container.bundle, container.id], { root })
    assertFailure(outcome, { tsrun: /no space left on device.*ENOSPC/ })
    assert.equal(readdirSync(root), ['filler'])
  } finally {
    unmount(root)
  }
})

test('the state directory has no inode left', () => {
  const root = newDir('full')
  mustMount(['-t', 'tmpfs', '-o', 'nr_inodes=3', 'tmpfs', root])
  try {
    const container = newContainer(withArgs(['true']))
    const outcome = callRuntime(['create', '--bundle', container.bundle, container.id], { root })
    assertFailure(outcome, { tsrun: /no space left on device.*ENOSPC/ })
    assert.equal(readdirSync(root), [])
  } finally {
    unmount(root)
  }
})

test('the state directory is on a read-only file system', () => {
  const root = newDir('readonly')
  mustMount(['-t', 'tmpfs', '-o', 'ro', 'tmpfs', root])
  try {
    const container = newContainer(withArgs(['true']))
    const outcome = callRuntime(['create', '--bundle', container.bundle, container.id], { root: join(root, 'below') })
    assertFailure(outcome, { text: /read-only file system/, tsrun: /EROFS/ })
  } finally {
    unmount(root)
  }
})

test('the pid file is on a full disk', () => {
  const dir = newDir('full')
  mustMount(['-t', 'tmpfs', '-o', 'nr_inodes=1', 'tmpfs', dir])
  try {
    const container = newContainer(withArgs(['true']))
    const flags = ['--bundle', container.bundle, '--pid-file', join(dir, 'pid')]
    assertFailure(callRuntime(['create', ...flags, container.id]), { text: /no space left/, tsrun: /pid-file.*ENOSPC/ })
  } finally {
    unmount(dir)
  }
})

test(
  'cgroups cannot be written',
  () => {
    const container = newContainer(withArgs(['true'], { linux: { resources: { pids: { limit: 10 } } } }))
    const dirs = readCgroupMounts().map((mount) => mount.dir)
    const script = `for d in ${dirs.join(' ')}; do mount -o remount,bind,ro $d; done; exec "$@"`
    const wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh']
    assertFailure(container.create([], { wrapper }), { text: /read-only file system/, tsrun: /cgroup.*EROFS/ })
  },
  { needs: [needsController('pids')] },
)

test(
  'a memory limit that is too small for anything',
  () => {
    const container = newContainer(withArgs(['true'], { linux: { resources: { memory: { limit: 4096 } } } }))
    assertFailure(container.create(), { tsrun: /memory/ })
  },
  { needs: [needsController('memory')] },
)

test(
  'a pids limit of 1 is enough for one process',
  async () => {
    await withContainer(
      withArgs(['probe', 'exit', '4'], { linux: { resources: { pids: { limit: 1 } } } }),
      (container) => {
        assert.is(container.run().status, 4)
      },
    )
  },
  { needs: [needsController('pids')], differsFrom: { 'runc<1.3': 'its init has several threads' } },
)

test(
  'a container starts with a memory limit of 512 kB',
  async () => {
    const limit: Json = { linux: { resources: { memory: { limit: 512 * 1024 } } } }
    await withContainer(withArgs(['probe', 'exit', '4'], limit), (container) => {
      assert.is(container.run().status, 4)
    })
  },
  { needs: [needsController('memory')], differsFrom: { runc: 'needs several MB' } },
)

test(
  'a cgroup that already has processes is refused',
  async () => {
    await withContainer(withArgs(['sleep', '60']), (first) => {
      mustSucceed(first.create())
      const second = newContainer(withArgs(['sleep', '60'], { linux: { cgroupsPath: cgroupsPathOf(first.id) } }))
      assertFailure(second.create(), { text: /container's cgroup is not empty/, tsrun: /cgroupsPath|cgroup/ })
      assert.is(first.status(), 'created')
    })
  },
  { differsFrom: { 'runc<1.3': 'only warns' } },
)

/** A directory with the runtime and, instead of its planner, a shell script (none: nothing). */
function withPlanner(script: string | null): string {
  const dir = newDir('bin')
  copyFileSync(runtimePath, join(dir, 'tsrun'))
  symlinkSync(join(dirname(runtimePath), 'tsrun-seccomp'), join(dir, 'tsrun-seccomp'))
  if (script !== null) {
    writeFileSync(join(dir, 'tsrun-plan'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  return join(dir, 'tsrun')
}

for (const [title, script] of [
  ['is killed', 'kill -9 $$'],
  ['exits with 1 and says nothing', 'exit 1'],
  ['exits with 0 and says nothing', 'exit 0'],
  ['answers rubbish', 'cat /proc/version >&3'],
  ['answers a plan that is cut off', 'printf "TSPL\\001\\000\\000\\000\\000\\020\\000\\000" >&3'],
  ['answers a plan of absurd length', 'printf "TSPL\\001\\000\\000\\000\\377\\377\\377\\377" >&3'],
  ['answers an empty error', 'printf "TSER\\001\\000\\000\\000\\020\\000\\000\\000\\001\\000\\000\\000" >&3'],
  ['does not read its request and dies late', 'sleep 0.2; kill -9 $$'],
  ['is missing', null],
] as const) {
  test(
    `the planner ${title}`,
    async () => {
      const container = newContainer(withArgs(['true']))
      const program = withPlanner(script)
      const call = startProgram(program, ['--root', stateRoot, 'create', '--bundle', container.bundle, container.id])
      const { status } = await call.ended
      assertFailure(
        { status, signal: null, command: title, stdout: '', stderr: call.stderr() },
        { tsrun: /tsrun-plan|planner|plan/ },
      )
      assert.equal(readdirSync(stateRoot), [])
    },
    onlyTsrun,
  )
}

test(
  'the planner dies while the verbs that need none go on',
  async () => {
    await withContainer(withArgs(['sleep', '60']), (container) => {
      mustSucceed(container.create())
      const program = withPlanner('exit 1')
      for (const verb of ['state', 'start', 'pause', 'resume', 'kill']) {
        const args = verb === 'kill' ? [container.id, 'KILL'] : [container.id]
        const result = spawnSync(program, ['--root', stateRoot, verb, ...args], { encoding: 'utf8' })
        assert.is(result.status, 0, `${verb}: ${result.stderr}`)
      }
      const result = spawnSync(program, ['--root', stateRoot, 'delete', '--force', container.id], { encoding: 'utf8' })
      assert.is(result.status, 0, result.stderr)
    })
  },
  onlyTsrun,
)

test('a log on a full disk does not stop the container', () => {
  const container = newContainer(withArgs(['true']))
  mustSucceed(container.run([], { globals: ['--log', '/dev/full'] }))
})

function mustMount(args: readonly string[]): void {
  const result = spawnSync('mount', args, { encoding: 'utf8' })
  assert.is(result.status, 0, result.stderr)
}

run()
