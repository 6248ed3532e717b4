// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withContainer, withRunning } from '../helpers/container.ts'
import { until } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('ps')

function pidsOf(container: Container): readonly number[] {
  return JSON.parse(mustSucceed(container.call('ps', ['-f', 'json'])).stdout) as readonly number[]
}

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

test('json: pids as the host sees them, of init and its children', async () => {
  await withRunning(withArgs(['sh', '-c', 'sleep 61 & sleep 61 & wait']), async (container) => {
    await until('three processes', () => pidsOf(container).length === 3)
    await until(
      'both sleep',
      () =>
        pidsOf(container)
          .map(nameOf)
          .filter((name) => name === 'sleep').length === 2,
    )
    assert.ok(pidsOf(container).includes(container.pid()))
  })
})

test('what exec adds is listed', async () => {
  await withRunning(withArgs(['sleep', '60']), async (container) => {
    mustSucceed(container.exec(['sleep', '61'], ['--detach']))
    await until('two processes', () => pidsOf(container).length === 2)
  })
})

test('a created container has its init', async () => {
  await withContainer(withArgs(['sleep', '60']), (container) => {
    mustSucceed(container.create())
    assert.equal(pidsOf(container), [container.pid()])
  })
})

test('table: the header of ps, then only lines of the container', async () => {
  await withRunning(withArgs(['sh', '-c', 'sleep 61 & wait']), async (container) => {
    await until('two processes', () => pidsOf(container).length === 2)
    const lines = mustSucceed(container.call('ps')).stdout.trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^UID +PID +PPID /)
    assert.equal(
      lines.slice(1).map((line) => Number(line.split(/\s+/)[1])),
      pidsOf(container),
    )
  })
})

test('a container that has stopped has none: null, and the header alone', async () => {
  await withRunning(withArgs(['sleep', '60']), async (container) => {
    mustSucceed(container.kill('KILL'))
    await container.waitForStatus('stopped')
    assert.is(mustSucceed(container.call('ps', ['--format=json'])).stdout, 'null\n')
    assert.match(mustSucceed(container.call('ps')).stdout, /^UID +PID .*\n$/)
  })
})

test('options of ps come after the id', async () => {
  await withRunning(withArgs(['sleep', '60']), (container) => {
    const { stdout } = mustSucceed(container.call('ps', [], ['-e', '-o', 'pid,args']))
    assert.match(stdout, /^ *PID +COMMAND\n *\d+ +sleep 60\n$/)
  })
})

test('a table without pids is refused', async () => {
  await withRunning(withArgs(['sleep', '60']), (container) => {
    assertFailure(container.call('ps', [], ['-e', '-o', 'args']), { text: /couldn't find PID field in ps output/ })
  })
})

test('options that ps refuses are told in its words', async () => {
  await withRunning(withArgs(['sleep', '60']), (container) => {
    assertFailure(container.call('ps', [], ['-o', 'nosuchcolumn']), { tsrun: /exit status 1: .*nosuchcolumn/ })
  })
})

test('an unknown format is refused', async () => {
  await withRunning(withArgs(['sleep', '60']), (container) => {
    assertFailure(container.call('ps', ['--format', 'yaml']), { text: /invalid format option/ })
  })
})

run()
