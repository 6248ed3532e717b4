// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { cgroupsPathOf, mustSucceed, newContainer, newId, withContainer, withRunning } from '../helpers/container.ts'
import { readCgroupDir } from '../helpers/host.ts'
import { callRuntime, runtimeName, startRuntime, until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newDir, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('lifecycle')
const sleeper = withArgs(['sleep', '60'])

test('create, start, kill and delete go through the four states', async () => {
  await withContainer(sleeper, async (container) => {
    mustSucceed(container.create())
    assert.is(container.status(), 'created')
    mustSucceed(container.start())
    assert.is(container.status(), 'running')
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    mustSucceed(container.delete())
    assertFailure(container.call('state'), { text: /does not exist/ })
  })
})

test('nothing of the user process runs before start', async () => {
  await withContainer(withArgs(['probe', 'create', '/tmp/here', 'x'], { root: { readonly: false } }), async (c) => {
    const created = mustSucceed(c.create())
    assert.is(readFileSync(`/proc/${c.pid()}/cmdline`, 'utf8').includes('probe'), false)
    assert.is(created.stdout, '')
  })
})

test('state has the keys of the specification and those of runc', async () => {
  await withContainer(withArgs(['sleep', '60'], { annotations: { 'org.example.key': 'value' } }), (container) => {
    mustSucceed(container.create())
    const text = container.call('state').stdout
    const state = JSON.parse(text) as Json
    assert.match(String(state['ociVersion']), /^1\.\d+\.\d+/)
    assert.is(state['id'], container.id)
    assert.is(state['pid'], container.pid())
    assert.is(state['bundle'], container.bundle)
    assert.ok(existsSync(String(state['rootfs'])))
    assert.match(String(state['created']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    assert.equal(state['annotations'], { 'org.example.key': 'value' })
    assert.ok('owner' in state)
    assert.match(text, /^\{\n {2}"/)
  })
})

test('a stopped container has pid 0', async () => {
  await withContainer(withArgs(['true']), async (container) => {
    mustSucceed(container.create())
    mustSucceed(container.start())
    await container.waitForStatus('stopped')
    assert.is(container.state()['pid'], 0)
  })
})

test('the pid file holds decimal digits and no newline', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    const text = readFileSync(container.pidFile, 'utf8')
    assert.match(text, /^[1-9]\d*$/)
    assert.is(container.state()['pid'], Number(text))
    assert.ok(existsSync(`/proc/${text}`))
  })
})

test('create --bundle defaults to the current directory', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(callRuntime(['create', container.id], { cwd: container.bundle }))
    assert.is(container.state()['bundle'], container.bundle)
  })
})

test('flags may come with one dash, with = and behind the id', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(callRuntime(['create', `-bundle=${container.bundle}`, '--no-pivot=false', container.id]))
    mustSucceed(callRuntime(['delete', container.id, '-force']))
    mustSucceed(callRuntime(['create', '-b', container.bundle, container.id]))
  })
})

test('--root: the state directory is there, mode 0711, and gone after delete', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    const dir = join(stateRoot, container.id)
    assert.is(statSync(dir).mode & 0o7777, 0o711)
    assert.ok(existsSync(join(dir, 'state.json')))
    mustSucceed(container.delete(['--force']))
    assert.is(existsSync(dir), false)
  })
})

test('containers of one --root are unknown in another', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    const other = newDir('root')
    assertFailure(callRuntime(['state', container.id], { root: other }), { text: /does not exist/ })
    assert.is(mustSucceed(callRuntime(['list', '-q'], { root: other })).stdout.trim(), '')
  })
})

test('state.json has the keys that other tools read', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    const state = JSON.parse(readFileSync(join(stateRoot, container.id, 'state.json'), 'utf8')) as Json
    assert.is(state['id'], container.id)
    assert.is(state['init_process_pid'], container.pid())
    assert.ok(Number(state['init_process_start']) > 0)
    for (const key of ['created', 'config', 'rootless', 'cgroup_paths', 'namespace_paths']) {
      assert.ok(key in state, key)
    }
  })
})

for (const id of ['a', 'A_b.c-d+e', '0x10', '007', '1e3', '..a']) {
  test(`id "${id}" is accepted`, async () => {
    const container = newContainer((own) => ({
      process: { args: ['true'] },
      linux: { cgroupsPath: cgroupsPathOf(own) },
    }))
    try {
      mustSucceed(callRuntime(['create', '--bundle', container.bundle, id]))
      assert.is((JSON.parse(callRuntime(['state', id]).stdout) as Json)['id'], id)
    } finally {
      mustSucceed(callRuntime(['delete', '-f', id]))
    }
  })
}

for (const id of ['', '.', '..', 'a/b', '../x', 'a b', 'a:b', 'a\nb', 'ä', 'a@b']) {
  test(`id ${JSON.stringify(id)} is refused`, () => {
    const container = newContainer(sleeper)
    assertFailure(callRuntime(['create', '--bundle', container.bundle, id]), {
      text: /invalid (container )?id|container id cannot be empty/i,
    })
  })
}

test('an id can be taken only once', async () => {
  await withContainer(sleeper, (container) => {
    mustSucceed(container.create())
    assertFailure(container.create(), { text: /container with given ID already exists/ })
    assert.is(container.status(), 'created')
  })
})

test('an id can be used again after delete', async () => {
  await withContainer(sleeper, (container) => {
    for (let round = 0; round < 3; round += 1) {
      mustSucceed(container.create())
      mustSucceed(container.delete(['--force']))
    }
  })
})

test('start twice is refused', async () => {
  await withRunning(sleeper, (container) => {
    assertFailure(container.start(), { text: /cannot start an already running container/ })
  })
})

test('start of a stopped container is refused', async () => {
  await withRunning(withArgs(['probe', 'trap']), async (container) => {
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    assertFailure(container.start(), { text: /cannot start a container that has stopped/ })
  })
})

test(
  'start fails when init is killed before it runs the program',
  async () => {
    const hooks = { startContainer: [{ path: '/bin/sleep', args: ['sleep', '1'] }] }
    await withContainer({ ...sleeper, hooks }, async (container) => {
      mustSucceed(container.create())
      const starting = startRuntime(['start', container.id])
      await new Promise((resolve) => setTimeout(resolve, 100))
      process.kill(container.pid(), 'SIGKILL')
      assert.is((await starting.ended).status, 1)
      assert.match(starting.stderr(), /container init was killed before it ran the program/)
      await container.waitForStatus('stopped')
    })
    await withContainer({ ...sleeper, hooks }, async (container) => {
      const starting = startRuntime(['run', '-d', '--bundle', container.bundle, container.id])
      await until('it has started', () => callRuntime(['state', container.id]).stdout.includes('"running"'))
      const { pid } = JSON.parse(callRuntime(['state', container.id]).stdout) as { pid: number }
      process.kill(pid, 'SIGKILL')
      assert.is((await starting.ended).status, 1)
      assert.match(starting.stderr(), /container init was killed before it ran the program \(signal 9\)/)
      assertFailure(container.call('state'), { text: /does not exist/ })
    })
  },
  { differsFrom: { runc: 'start does not wait for execve', crun: 'start does not wait for execve' } },
)

test('delete of a running container is refused without --force', async () => {
  await withRunning(sleeper, async (container) => {
    assertFailure(container.delete(), {
      text: new RegExp(`cannot delete container ${container.id} that is not stopped: running`),
    })
    assert.is(container.status(), 'running')
    mustSucceed(container.delete(['--force']))
    assertFailure(container.call('state'), { text: /does not exist/ })
  })
})

test('delete of a created container kills it', async () => {
  await withContainer(sleeper, async (container) => {
    mustSucceed(container.create())
    const pid = container.pid()
    mustSucceed(container.delete())
    await until('init is gone', () => !alive(pid))
  })
})

for (const [verb, args] of [
  ['state', []],
  ['start', []],
  ['kill', ['TERM']],
  ['delete', []],
  ['pause', []],
  ['resume', []],
  ['ps', []],
  ['exec', ['true']],
] as const) {
  test(`${verb} of an unknown id says "does not exist"`, () => {
    assertFailure(callRuntime([verb, newId('unknown'), ...args]), {
      status: verb === 'exec' ? 255 : 1,
      text: /does not exist/,
    })
  })
}

test('delete --force of an unknown id succeeds and says nothing', () => {
  const outcome = mustSucceed(callRuntime(['delete', '--force', newId('unknown')]))
  assert.is(outcome.stdout, '')
})

test('delete --force removes a state directory without a container', () => {
  const id = newId('leftover')
  mkdirSync(join(stateRoot, id))
  mustSucceed(callRuntime(['delete', '--force', id]))
  assert.is(existsSync(join(stateRoot, id)), false)
})

test('kill of a stopped container says "container not running"', async () => {
  await withContainer(withArgs(['true']), async (container) => {
    mustSucceed(container.create())
    mustSucceed(container.start())
    await container.waitForStatus('stopped')
    assertFailure(container.kill('KILL'), { text: /container not running/ })
    mustSucceed(container.call('kill', ['--all'], ['KILL']))
  })
})

for (const [given, number] of [
  [undefined, 15],
  ['TERM', 15],
  ['SIGUSR1', 10],
  ['12', 12],
  ['hup', 1],
  ['35', 35],
] as const) {
  test(`kill ${given ?? 'without a signal'} sends ${number}`, async () => {
    await withRunning(withArgs(['probe', 'trap']), async (container, output) => {
      await until('the trap is set', () => output.stdout.includes('ready'))
      mustSucceed(container.kill(given))
      await until('the signal came', () => output.stdout.includes(`signal ${number}\n`))
    })
  })
}

test('kill with an unknown signal is refused', async () => {
  await withRunning(sleeper, (container) => {
    for (const signal of ['NOSUCH', 'SIG', '-1', '9x']) {
      assertFailure(container.kill(signal), { text: /signal|flag/i })
    }
    assert.is(container.status(), 'running')
  })
})

test('kill reaches a created container', async () => {
  await withContainer(sleeper, async (container) => {
    mustSucceed(container.create())
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    assertFailure(container.start(), { text: /cannot start a container that has stopped/ })
  })
})

test(
  'a created container ends by the signals that end a program, though its init has pid 1',
  async () => {
    for (const signal of ['TERM', 'INT', 'HUP', 'QUIT']) {
      await withContainer(sleeper, async (container) => {
        mustSucceed(container.create())
        mustSucceed(container.kill(signal))
        await container.waitForStatus('stopped')
      })
    }
  },
  { differsFrom: { crun: 'ignores them' } },
)

test('kill KILL ends every process when the pid namespace is shared, with init or without', async () => {
  const namespaces = ['network', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
  for (const first of [false, true]) {
    await withRunning(withArgs(['sleep', '62'], { linux: { namespaces } }), async (container) => {
      const dir = readCgroupDir(container.pid(), 'pids') ?? ''
      const members = (): string => readFileSync(join(dir, 'cgroup.procs'), 'utf8').trim()
      mustSucceed(container.exec(['sleep', '61'], ['--detach']))
      if (first) {
        process.kill(container.pid(), 'SIGKILL')
        await container.waitForStatus('stopped')
      }
      mustSucceed(container.kill('KILL'))
      await until('all are gone', () => members() === '')
      // runc signals whoever is in the cgroup, and succeeds when that is nobody.
      if (runtimeName !== 'runc') assertFailure(container.kill('KILL'), { text: /container not running/ })
    })
  }
})

test('kill --all KILL ends every process when the pid namespace is shared', async () => {
  const namespaces = ['network', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
  const patch = withArgs(['sh', '-c', 'sleep 61 & sleep 61 & sleep 62'], { linux: { namespaces } })
  await withRunning(patch, async (container) => {
    const dir = readCgroupDir(container.pid(), 'pids') ?? ''
    const members = (): number =>
      readFileSync(join(dir, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).length
    await until('three sleeps', () => members() >= 3)
    mustSucceed(container.call('kill', ['--all'], ['KILL']))
    await until('all are gone', () => members() === 0)
  })
})

test('pause freezes, resume thaws', async () => {
  const script = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'
  await withRunning(withArgs(['sh', '-c', script]), async (container, output) => {
    await until('it counts', () => output.stdout.length > 4)
    mustSucceed(container.call('pause'))
    assert.is(container.status(), 'paused')
    const frozen = output.stdout.length
    await new Promise((resolve) => setTimeout(resolve, 60))
    assert.is(output.stdout.length, frozen)
    assertFailure(container.call('pause'))
    mustSucceed(container.call('resume'))
    assert.is(container.status(), 'running')
    await until('it counts again', () => output.stdout.length > frozen)
    assertFailure(container.call('resume'), { text: /container not paused/ })
  })
})

test('a paused container can be deleted by force', async () => {
  await withRunning(sleeper, (container) => {
    mustSucceed(container.call('pause'))
    assertFailure(container.delete(), { text: /not stopped: paused/ })
    mustSucceed(container.delete(['--force']))
  })
})

test('a paused container that is killed stays until it is resumed', async () => {
  await withRunning(sleeper, async (container) => {
    mustSucceed(container.call('pause'))
    mustSucceed(container.kill('KILL'))
    // On v2 the signal ends it all the same, a moment later.
    if (container.status() === 'paused') container.call('resume')
    await container.waitForStatus('stopped')
  })
})

test('pause of a stopped container is refused', async () => {
  await withContainer(withArgs(['true']), async (container) => {
    mustSucceed(container.create())
    mustSucceed(container.start())
    await container.waitForStatus('stopped')
    assertFailure(container.call('pause'), { text: /not running/ })
  })
})

function alive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

run()
