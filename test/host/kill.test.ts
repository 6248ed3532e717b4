// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withRunning } from '../helpers/container.ts'
import { readCgroupDir } from '../helpers/host.ts'
import { until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('kill')
const sharedPids = { linux: { namespaces: ['network', 'ipc', 'uts', 'mount'].map((type) => ({ type })) } }
const newer = 'kill --all is init alone since 1.2'
const differsFrom = { 'runc>=1.2': newer }

function cgroupOf(container: Container): string {
  return readCgroupDir(container.pid(), 'pids') ?? ''
}

/** Processes in a cgroup and below, zombies left out. */
function members(directory: string): readonly number[] {
  const pids = readFileSync(join(directory, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).map(Number)
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...pids, ...below.flatMap(({ name }) => members(join(directory, name)))]
}

test('kill without --all is for init alone, with a pid namespace of its own', async () => {
  await withRunning(
    withArgs(['sh', '-c', 'trap "echo init" USR1; sleep 61 & while :; do wait; done']),
    async (c, out) => {
      const directory = cgroupOf(c)
      await until('two processes', () => members(directory).length === 2)
      mustSucceed(c.kill('USR1'))
      await until('init has it', () => out.stdout.includes('init'))
      assert.is(members(directory).length, 2)
    },
  )
})

const tooEarly = 'the signal comes before the handler, and is lost'

test(
  'kill directly after start reaches a program that has yet to set its handler',
  async () => {
    const late = 'sleep 0.03; trap "echo has it; exit 0" USR1; while :; do sleep 0.02; done'
    // A busy machine may need longer than that is waited for.
    const attempts = 5
    let reached = false
    for (let attempt = 0; attempt < attempts && !reached; attempt++) {
      await withRunning(withArgs(['sh', '-c', late]), async (container, output) => {
        mustSucceed(container.kill('USR1'))
        const deadline = performance.now() + 1000
        while (!reached && performance.now() < deadline) {
          await sleep(20)
          reached = output.stdout === 'has it\n'
        }
      })
    }
    assert.ok(reached)
  },
  { differsFrom: { runc: tooEarly, crun: tooEarly } },
)

test('kill waits for no handler where there will be none, or the signal needs none', async () => {
  const within = (ms: number, call: () => unknown) => {
    const begin = performance.now()
    call()
    const spent = performance.now() - begin
    assert.ok(spent < ms, `${spent} ms`)
  }
  await withRunning(withArgs(['sleep', '60']), async (container) => {
    within(2000, () => mustSucceed(container.kill('USR1')))
    assert.is(container.status(), 'running')
  })
  await withRunning(withArgs(['sleep', '60'], sharedPids), async (container) => {
    mustSucceed(container.kill('USR1'))
    await container.waitForStatus('stopped')
  })
})

test(
  'kill --all TERM reaches processes of exec, too',
  async () => {
    await withRunning(withArgs(['probe', 'trap']), async (container, output) => {
      await until('the trap is set', () => output.stdout.includes('ready'))
      const second = mustSucceed(container.exec(['probe', 'trap'], ['--detach']))
      await until('its trap is set', () => second.stdout.includes('ready'))
      mustSucceed(container.call('kill', ['--all'], ['USR1']))
      await until('init has it', () => output.stdout.includes('signal 10\n'))
      await until('the other has it', () => second.stdout.includes('signal 10\n'))
    })
  },
  { differsFrom },
)

test(
  'kill --all when init has stopped and others are left in the cgroup',
  async () => {
    const patch = withArgs(['sh', '-c', 'sleep 61 & sleep 62 & exec sleep 63'], sharedPids)
    await withRunning(patch, async (container) => {
      const directory = cgroupOf(container)
      await until('three processes', () => members(directory).length === 3)
      process.kill(container.pid(), 'SIGKILL')
      await container.waitForStatus('stopped')
      assert.is(members(directory).length, 2)
      assertFailure(container.kill('TERM'), { text: /container not running/ })
      mustSucceed(container.call('kill', ['-a'], ['TERM']))
      await until('all are gone', () => members(directory).length === 0)
      mustSucceed(container.call('kill', ['--all'], ['KILL']))
    })
  },
  { differsFrom },
)

test(
  'kill KILL ends all processes when the pid namespace is shared, also without --all',
  async () => {
    const patch = withArgs(['sh', '-c', 'sleep 61 & sleep 62 & exec sleep 63'], sharedPids)
    await withRunning(patch, async (container) => {
      const directory = cgroupOf(container)
      await until('three processes', () => members(directory).length === 3)
      mustSucceed(container.kill('KILL'))
      await until('all are gone', () => members(directory).length === 0)
    })
  },
  { differsFrom: { 'runc<1.2': 'kills init alone', crun: 'kills init alone' } },
)

test('delete --force ends all processes when the pid namespace is shared', async () => {
  const patch = withArgs(['sh', '-c', 'sleep 61 & sleep 62 & exec sleep 63'], sharedPids)
  await withRunning(patch, async (container) => {
    const directory = cgroupOf(container)
    await until('three processes', () => members(directory).length === 3)
    mustSucceed(container.delete(['--force']))
  })
})

test(
  'kill --all KILL of a paused container ends all of it once it is resumed',
  async () => {
    const patch = withArgs(['sh', '-c', 'sleep 61 & exec sleep 63'], sharedPids)
    await withRunning(patch, async (container) => {
      const directory = cgroupOf(container)
      await until('two processes', () => members(directory).length === 2)
      mustSucceed(container.call('pause'))
      mustSucceed(container.call('kill', ['--all'], ['KILL']))
      if (container.status() === 'paused') mustSucceed(container.call('resume'))
      await until('all are gone', () => members(directory).length === 0)
    })
  },
  { differsFrom },
)

run()
