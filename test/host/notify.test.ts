// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { merge, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withContainer } from '../helpers/container.ts'
import { helpers } from '../helpers/leaks.ts'
import { programPath } from '../helpers/programs.ts'
import { callRuntime, type RunningCall, startProgram, startRuntime, until } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('notify')

/** A service manager that listens while `use` runs. */
async function withManager(use: (env: Record<string, string>, manager: RunningCall) => Promise<void>): Promise<void> {
  const socket = join(newDir('notify'), 'socket')
  const manager = startProgram(programPath('receive-fd'), ['notify', socket])
  const pid = manager.child.pid ?? 0
  helpers.add(pid)
  try {
    await until('the socket is there', () => manager.stderr().includes('listening'))
    await use({ NOTIFY_SOCKET: socket }, manager)
  } finally {
    manager.child.kill('SIGKILL')
    await manager.ended
    helpers.delete(pid)
  }
}

function service(script: string) {
  return withArgs(['sh', '-c', script])
}

/** What the manager has to get: that it is ready, whose pid it is, and a descriptor to close when it knows. */
function told(pid: number): string {
  return `READY=1\\n\nMAINPID=${pid}\\n\nBARRIER=1 and a descriptor\n`
}

const readyLate = 'sleep 0.3; probe notify READY=1 >/tmp/out; exec sleep 60'
const tmpfs = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }
const withTmp = (script: string) =>
  merge(service(script), { mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, tmpfs] })

test(
  'start waits until the container is ready, and tells its pid',
  async () => {
    await withManager(async (env, manager) => {
      await withContainer(withTmp(readyLate), async (container) => {
        mustSucceed(container.create([], { env }))
        assert.is(manager.stdout(), '')
        const begun = performance.now()
        mustSucceed(container.call('start', [], [], { env }))
        assert.ok(performance.now() - begun > 250)
        assert.is(manager.stdout(), told(container.pid()))
        assert.is(container.status(), 'running')
      })
    })
  },
  { differsFrom: { 'runc<1.2': 'sends no BARRIER=1' } },
)

test(
  'run --detach does so, too',
  async () => {
    await withManager(async (env, manager) => {
      await withContainer(withTmp(readyLate), async (container) => {
        const begun = performance.now()
        mustSucceed(container.run(['--detach'], { env }))
        assert.ok(performance.now() - begun > 250)
        assert.is(manager.stdout(), told(container.pid()))
      })
    })
  },
  { differsFrom: { 'runc<1.2': 'sends no BARRIER=1' } },
)

test(
  'run in the foreground tells its own pid, and stays',
  async () => {
    await withManager(async (env, manager) => {
      await withContainer(withTmp(`${readyLate.replace('60', '1')}`), async (container) => {
        const call = startRuntime(['run', '--bundle', container.bundle, container.id], { env })
        assert.is((await call.ended).status, 0)
        assert.is(manager.stdout(), told(call.child.pid ?? 0))
      })
    })
  },
  { differsFrom: { runc: 'serves nothing else until then' } },
)

test(
  'a container that ends without a word: start ends, and nothing was told',
  async () => {
    await withManager(async (env, manager) => {
      for (const verb of ['create', 'run'] as const) {
        await withContainer(service('sleep 0.2'), async (container) => {
          mustSucceed(verb === 'create' ? container.create([], { env }) : container.run(['-d'], { env }))
          if (verb === 'create') mustSucceed(container.call('start', [], [], { env }))
          await container.waitForStatus('stopped')
        })
      }
      assert.is(manager.stdout(), '')
    })
  },
  { differsFrom: { runc: 'run --detach waits for ever' } },
)

test(
  'only that it is ready is told on',
  async () => {
    const script = [
      'probe notify STATUS=loading >/tmp/out',
      'probe notify MAINPID=1 >/tmp/out',
      'probe notify "READY=1\nMAINPID=1\nFDSTORE=1" >/tmp/out',
      'exec sleep 60',
    ].join('; ')
    await withManager(async (env, manager) => {
      await withContainer(withTmp(script), async (container) => {
        mustSucceed(container.run(['--detach'], { env }))
        assert.is(manager.stdout(), told(container.pid()))
      })
    })
  },
  { differsFrom: { 'runc<1.2': 'sends no BARRIER=1' } },
)

test(
  'a message in which READY= is not the first line',
  async () => {
    await withManager(async (env, manager) => {
      await withContainer(withTmp('probe notify "STATUS=up\nREADY=1" >/tmp/out; exec sleep 60'), async (container) => {
        mustSucceed(container.run(['--detach'], { env }))
        assert.is(manager.stdout(), told(container.pid()))
      })
    })
  },
  { differsFrom: { runc: 'waits for ever', crun: 'waits for ever' } },
)

test('the socket is in a read-only directory of its own, open to every user, and the variable names it', async () => {
  const script = 'echo $NOTIFY_SOCKET; ls /run/notify; touch /run/notify/x; probe notify READY=1'
  const user = { process: { user: { uid: 1000, gid: 1000 }, env: ['PATH=/bin', 'NOTIFY_SOCKET=/other'] } }
  await withManager(async (env, manager) => {
    await withContainer(merge(service(script), user), async (container) => {
      const outcome = container.run([], { env })
      const [variable, name, sent] = outcome.stdout.split('\n')
      assert.equal([variable, name], ['/run/notify/notify.sock', 'notify.sock'])
      assert.match(sent ?? '', /"notify","ret":7/)
      assert.match(outcome.stderr, /Read-only file system/)
      assert.match(manager.stdout(), /^READY=1/)
    })
  })
})

test('exec has no such variable', async () => {
  await withManager(async (env) => {
    await withContainer(withTmp(readyLate), async (container: Container) => {
      mustSucceed(container.run(['--detach'], { env }))
      const { stdout } = mustSucceed(container.exec(['env'], [], { env }))
      assert.not.match(stdout, /NOTIFY_SOCKET/)
    })
  })
})

test('create with it and start without it: start does not wait', async () => {
  await withManager(async (env, manager) => {
    await withContainer(service('exec sleep 60'), async (container) => {
      mustSucceed(container.create([], { env }))
      mustSucceed(container.start())
      assert.is(container.status(), 'running')
    })
    assert.is(manager.stdout(), '')
  })
})

test(
  'a service manager that is not there fails, and leaves nothing',
  async () => {
    const env = { NOTIFY_SOCKET: '/nonexistent/socket' }
    await withContainer(service('exec sleep 60'), (container) => {
      const outcome = container.run(['--detach'], { env })
      assert.is(outcome.status, 1)
      assert.match(
        outcome.stderr,
        /NOTIFY_SOCKET: connect \\"\/nonexistent\/socket\\": no such file or directory \(ENOENT\)/,
      )
      assert.is(callRuntime(['state', container.id]).status, 1)
      assert.is(existsSync(container.pidFile), false)
    })
  },
  { differsFrom: { runc: 'leaves the container', crun: 'has another message' } },
)

run()
