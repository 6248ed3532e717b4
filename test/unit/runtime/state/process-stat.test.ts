// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isProcessAlive, parseProcessStat } from '../../../../runtime/state/process-stat.ts'

const test = suite('process-stat')
const rest = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 0 18446744073709551615 21'

test('the name may hold any byte', () => {
  for (const name of ['sh', 'a b', ') Z 1 2', '(((', ')) R']) {
    assert.equal(parseProcessStat(`17 (${name}) S ${rest}\n`), { state: 'S', startTime: 18446744073709551615n })
  }
})

test('what is no such text is undefined', () => {
  for (const text of ['', '17', '17 (x) S 1 2', `17 (x) S ${rest.replace('18446744073709551615', '-1')}`]) {
    assert.is(parseProcessStat(text), undefined)
  }
})

test('this process is alive with its own start time only', () => {
  const own = parseProcessStat(readFileSync('/proc/self/stat', 'latin1'))
  assert.ok(own !== undefined)
  const startTime = own?.startTime ?? 0n
  assert.is(isProcessAlive(process.pid, startTime), true)
  assert.is(isProcessAlive(process.pid, startTime + 1n), false)
  assert.is(isProcessAlive(0, 0n), false)
  assert.is(isProcessAlive(-1, startTime), false)
})

test('a process that has ended is not alive', async () => {
  const child = spawn('sleep', ['60'])
  const pid = child.pid ?? 0
  const startTime = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.startTime ?? 0n
  assert.is(isProcessAlive(pid, startTime), true)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  assert.is(isProcessAlive(pid, startTime), false)
})

test.run()
