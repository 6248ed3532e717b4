// SPDX-License-Identifier: Apache-2.0
// What may happen to a monitor, to those who are attached, and to the disk: the container is unharmed, and nothing hangs.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { Monitored, monitorPath, shown } from '../helpers/monitored.ts'
import { callRuntime, until } from '../helpers/runtime.ts'
import { scaled } from '../helpers/slow.ts'
import { hostSuite, unmount } from '../helpers/suite.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('faults around a monitor')

const sh = (script: string): readonly string[] => ['sh', '-c', script]
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, scaled(ms)))
const size = (path: string): number => (existsSync(path) ? readFileSync(path).length : 0)

test('a container outlives its monitor, and can be run again after its end', async () => {
  const one = new Monitored(sh('while :; do sleep 0.05; done'))
  const call = one.start('run', ...shown)
  await until('it runs', () => existsSync(one.path('state.json')) && one.state().status === 'running')
  const { pid, monitorPid } = one.state()
  process.kill(monitorPid, 'SIGKILL')
  assert.is((await call.ended).status, 125)
  assert.match(call.stderr(), /^tsdock: the container's monitor is gone[^\n]*\n$/)
  assert.ok(existsSync(`/proc/${pid}/root`))
  assert.is((await one.tell('stop-wanted')).status, 125)
  process.kill(pid, 'SIGKILL')
  await until('it has ended', () => !existsSync(`/proc/${pid}/root/`))
  // What `tsdock start` does before.
  assert.is(callRuntime(['delete', '--force', one.id]).status, 0)
  unmount(one.path('merged'))
  assert.is((await one.run()).status, 0)
  await one.end()
})

test('a caller that is killed takes nothing along', async () => {
  const one = new Monitored(sh('while :; do echo x; sleep 0.01; done'))
  const call = one.start('run', ...shown)
  await until('it prints', () => call.stdout().length > 4)
  call.child.kill('SIGKILL')
  await call.ended
  const before = one.log().length
  await until('it goes on', () => one.log().length > before + 5)
  assert.is(one.state().status, 'running')
  await one.end()
})

test('a runtime that is killed while it starts a container leaves nothing', async () => {
  const script = `echo $$ > ${newDir('x')}/pid; kill -9 $$`
  const one = new Monitored(['true'], { runtime: '/bin/sh', 'runtime-arg': ['-c', script] })
  const result = await one.run(...shown)
  assert.is(result.status, 125)
  assert.match(result.stderr, /^tsdock: [^\n]+\n$/)
  assert.not(one.isMounted())
})

test('whoever attaches and does not read does not hold the container up', async () => {
  const script =
    'while [ ! -e /go ]; do sleep 0.02; done; head -c 3000000 /dev/zero | tr "\\\\0" "y" | fold -w 99; sleep 100'
  const one = new Monitored(sh(script))
  await one.run()
  const reader = spawn(monitorPath, ['attach', '--stdout', one.directory], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise((resolve) => reader.once('exit', resolve))
  await pause(200)
  assert.is(spawnSync('touch', [one.path('merged/go')]).status, 0)
  await until('all is logged', () => size(one.path('json.log')) > 3_000_000, 15_000)
  reader.kill('SIGKILL')
  await exited
  assert.is(one.state().status, 'running')
  await one.end()
})

test('what is piped to a slow reader is whole', async () => {
  const one = new Monitored(sh('seq 200000'))
  const command = `${monitorPath} run ${shown.join(' ')} ${one.directory} </dev/null | { sleep 0.5; cksum; }`
  const result = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: scaled(20_000) })
  assert.is(result.stdout, spawnSync('sh', ['-c', 'seq 200000 | cksum'], { encoding: 'utf8' }).stdout)
})

test('a full disk takes lines of the log, and nothing else', async () => {
  const disk = newDir('disk')
  assert.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]).status, 0)
  try {
    const one = new Monitored(sh('seq 20000; exit 6'), { log: `${disk}/json.log` })
    const result = await one.attached()
    assert.is(result.status, 6)
    assert.is(result.stdout.split('\n').length, 20001)
    const lines = readFileSync(`${disk}/json.log`, 'utf8').split('\n').filter(Boolean)
    assert.ok(lines.length > 100 && lines.length < 20000, String(lines.length))
    assert.is((JSON.parse(lines[99] ?? '') as { log: string }).log, '100\n')
    for (const line of lines) JSON.parse(line)
  } finally {
    unmount(disk)
  }
})

test('a container that closes its output runs on', async () => {
  const one = new Monitored(sh('echo first; exec >&- 2>&-; sleep 0.5; exit 4'))
  const begin = performance.now()
  const result = await one.attached()
  assert.equal(result, { status: 4, stdout: 'first\n', stderr: '' })
  assert.ok(performance.now() - begin >= 400)
})

test('what a container has left behind is not waited for', async () => {
  const one = new Monitored(sh('sleep 50 & echo done'))
  assert.equal(await one.attached(), { status: 0, stdout: 'done\n', stderr: '' })
  assert.is(one.state().status, 'exited')
})

run()
