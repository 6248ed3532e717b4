// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withRunning } from '../helpers/container.ts'
import { settledLeaks } from '../helpers/leaks.ts'
import { startRuntime, until } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('exec fifo')
const sleeper = withArgs(['sleep', '60'])
const fifoFlag = { differsFrom: { runc: 'has no such flag', crun: 'has no such flag' } }

function newFifo(): string {
  const path = newPath('fifo')
  assert.is(spawnSync('mkfifo', [path]).status, 0)
  return path
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8')
}

test(
  '--exec-wait-fifo holds the process of exec --detach until the fifo is read',
  async () => {
    await withRunning(sleeper, async (container) => {
      const [fifo, file] = [newFifo(), newPath('exec.pid')]
      const flags = ['--detach', '--pid-file', file, '--exec-wait-fifo', fifo]
      const outcome = mustSucceed(container.exec(['sh', '-c', 'echo up; exec sleep 61'], flags))
      const pid = Number(readFileSync(file, 'utf8'))
      await new Promise((resolve) => setTimeout(resolve, 200))
      assert.is(outcome.stdout, '')
      assert.not.match(commandOf(pid), /sleep/)
      const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      assert.is(cgroup, readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8'))
      assert.is(readFileSync(fifo, 'utf8'), '0')
      await until('it runs', () => outcome.stdout === 'up\n')
      await until('it is the same process', () => commandOf(pid).includes('sleep'))
    })
  },
  fifoFlag,
)

test(
  '--exec-wait-fifo that is opened and closed without reading',
  async () => {
    await withRunning(sleeper, async (container) => {
      const fifo = newFifo()
      const outcome = mustSucceed(container.exec(['echo', 'up'], ['--detach', '--exec-wait-fifo', fifo]))
      closeSync(openSync(fifo, 'r'))
      await until('it runs', () => outcome.stdout === 'up\n')
    })
  },
  fifoFlag,
)

test(
  '--exec-wait-fifo: who waits ends with the process, and with the container',
  async () => {
    await withRunning(sleeper, async (container) => {
      const file = newPath('exec.pid')
      const flags = ['--detach', '--pid-file', file, '--exec-wait-fifo', newFifo()]
      mustSucceed(container.exec(['sleep', '61'], flags))
      process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL')
      mustSucceed(container.exec(['sleep', '61'], flags))
      mustSucceed(container.delete(['--force']))
      assert.equal(await settledLeaks(), [])
    })
  },
  fifoFlag,
)

test(
  '--exec-wait-fifo without --detach, and with what is none',
  async () => {
    await withRunning(sleeper, async (container) => {
      const fifo = newFifo()
      const call = startRuntime(['exec', '--exec-wait-fifo', fifo, container.id, 'sh', '-c', 'exit 7'])
      assert.is(readFileSync(fifo, 'utf8'), '0')
      assert.is((await call.ended).status, 7)
      for (const [path, tsrun] of [
        [newPath('absent'), /--exec-wait-fifo: open ".*absent": no such file or directory \(ENOENT\)/],
        ['/dev/null', /--exec-wait-fifo: "\/dev\/null" is not a fifo/],
      ] as const) {
        const outcome = container.exec(['true'], ['--exec-wait-fifo', path])
        assert.is(outcome.status, 255)
        assert.match(outcome.stderr.replaceAll('\\"', '"'), tsrun)
      }
    })
  },
  fifoFlag,
)

run()
