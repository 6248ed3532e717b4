// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filterTable, listPids } from '../../../../runtime/lifecycle/list-processes.ts'
import type { StoredContainer } from '../../../../runtime/state/container.ts'
import { makePlan } from '../state/plans.ts'

const test = suite('list-processes')
const work = mkdtempSync(join(tmpdir(), 'tsrun-ps-'))
test.after(() => rmSync(work, { recursive: true }))

function container(procsDirs: readonly string[], status: StoredContainer['status'] = 'running'): StoredContainer {
  const plan = makePlan({ procsDirs })
  return { id: 'c1', directory: '/nothing', plan, pid: 7, startTime: 1n, status }
}

test('pids of all cgroups and those below, each once, in order', () => {
  const [one, two] = [join(work, 'one'), join(work, 'two')]
  mkdirSync(join(one, 'below/deeper'), { recursive: true })
  mkdirSync(two)
  writeFileSync(join(one, 'cgroup.procs'), '30\n4\n')
  writeFileSync(join(one, 'below/cgroup.procs'), '')
  writeFileSync(join(one, 'below/deeper/cgroup.procs'), '5\n')
  writeFileSync(join(two, 'cgroup.procs'), '4\n100\n')
  assert.equal(listPids(container([one, two])), [4, 5, 30, 100])
})

test('without cgroups: init, while it lives', () => {
  assert.equal(listPids(container([])), [7])
  assert.equal(listPids(container([join(work, 'gone')], 'stopped')), [])
})

const table = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 10:00 ?        00:00:01 /sbin/init 55
root          55       1  0 10:00 ?        00:00:01 sleep 60
root         556      55  0 10:00 ?        00:00:01 sh -c 'x'
`

test('the table keeps its header and the lines of the container', () => {
  const lines = table.split('\n')
  assert.is(filterTable(table, [55]), `${lines[0]}\n${lines[2]}\n`)
  assert.is(filterTable(table, []), `${lines[0]}\n`)
  assert.is(filterTable('    PID COMMAND\n     55 sleep\n', [55]), '    PID COMMAND\n     55 sleep\n')
})

test('words before the pids may have blanks in them, and may push them away', () => {
  const args = `COMMAND                   PID
sleep 60                 1234
sleep 1234                 99
averylongcommandthatpushes 1234
`
  assert.equal(filterTable(args, [1234]).match(/^\w+/gm), ['COMMAND', 'sleep', 'averylongcommandthatpushes'])
})

test('a table without PID is refused', () => {
  assert.throws(() => filterTable('COMMAND\nsleep\n', [1]), /couldn't find PID field in ps output/)
})

test.run()
