// SPDX-License-Identifier: Apache-2.0
// tsdock-monitor by itself: how it asks for a scope of systemd, and what it does when the machine goes down. A script stands for
// tsrun-systemd; the real one is in scopes.test.ts.

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import type { Json } from '../helpers/bundle.ts'
import { Monitored, type Settings, shown } from '../helpers/monitored.ts'
import { until } from '../helpers/runtime.ts'
import { scaled } from '../helpers/slow.ts'
import { hostSuite } from '../helpers/suite.ts'
import { newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('monitor-scope')

const sh = (script: string): readonly string[] => ['sh', '-c', script]

/** A program that keeps what it is asked, and then does this. */
function asker(then: string): { readonly program: string; readonly job: () => readonly string[] } {
  const [program, kept] = [newPath('asker'), newPath('job')]
  writeFileSync(program, `#!/bin/sh\ncat >${kept}.new\nmv ${kept}.new ${kept}\n${then}\n`)
  chmodSync(program, 0o755)
  return { program, job: () => (existsSync(kept) ? readFileSync(kept, 'utf8').split('\0').slice(0, -1) : []) }
}

const scope = (program: string, more: Settings = {}): Settings => ({
  'scope-program': program,
  'scope-bus': 'user',
  'scope-unit': 'some.scope',
  'scope-property': ['Slice=s some.slice', 'Delegate=b true'],
  ...more,
})

const startOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? ''

test('nobody hears that it runs before it is in its scope', async () => {
  const { program, job } = asker('sleep 1; exit 0')
  const one = new Monitored(
    sh('sleep 1000'),
    scope(program, { 'scope-with': `${process.pid} ${startOf(process.pid)}` }),
  )
  const begun = performance.now()
  assert.equal(await one.run(), { status: 0, stdout: '', stderr: '' })
  assert.ok(performance.now() - begun >= 1000)
  const pids = `${one.state().monitorPid} ${process.pid}`
  assert.equal(job(), ['join', 'user', 'some.scope', pids, 'Slice=s some.slice', 'Delegate=b true'])
  await one.end()
})

test('a process that is gone is not named, nor another one with its number', async () => {
  for (const gone of ['4194304 1', `${process.pid} 1`]) {
    const { program, job } = asker('exit 0')
    const one = new Monitored(sh('sleep 1000'), scope(program, { 'scope-with': gone }))
    assert.is((await one.run()).status, 0)
    assert.is(job()[3], String(one.state().monitorPid))
    await one.end()
  }
})

const told = "tsdock: the container's monitor stays in its caller's unit of systemd, and ends with that: "
const failures = [
  ['echo "systemd: it will not" >&2; exit 1', 'systemd: it will not'],
  ['exit 2', 'tsrun-systemd: exit status 2'],
  ['kill -9 $$', 'tsrun-systemd was killed by signal 9'],
  ['kill -ALRM $$', 'systemd: no answer within 60 s'],
] as const

test('why there is no scope is told, and the container runs', async () => {
  for (const [then, text] of failures) {
    const one = new Monitored(sh('sleep 1000'), scope(asker(then).program))
    assert.equal(await one.run(), { status: 0, stdout: '', stderr: `${told}${text}\n` })
    await one.end()
  }
  const one = new Monitored(sh('sleep 1000'), scope('/nonexistent/program'))
  const { status, stderr } = await one.run()
  assert.is(status, 0)
  assert.match(stderr, /execv "\/nonexistent\/program": no such file or directory/)
  await one.end()
})

test('where nobody makes scopes, nothing is said', async () => {
  const one = new Monitored(sh('sleep 1000'), scope(asker('echo none >&2; exit 4').program))
  assert.equal(await one.run(), { status: 0, stdout: '', stderr: '' })
  await one.end()
})

test('one that is shown, and ends at once, needs no scope', async () => {
  const { program, job } = asker('exit 0')
  const one = new Monitored(sh('echo out'), scope(program))
  assert.equal(await one.attached(), { status: 0, stdout: 'out\n', stderr: '' })
  assert.equal(job(), [])
})

test('one that is shown gets its scope when it stays', async () => {
  for (const [then, text] of [['exit 0', ''], ...failures.slice(0, 2)] as const) {
    const { program, job } = asker(then)
    const one = new Monitored(sh('echo out; read line; exit 3'), scope(program), { process: { terminal: false } })
    one.configure(scope(program, { stdin: '1' }))
    const call = one.start('run', ...shown)
    await until('it has asked', () => job().length > 0)
    await until('it is told', () => text === '' || call.stderr() === `${told}${text}\n`)
    call.child.stdin?.end('\n')
    assert.is((await call.ended).status, 3)
    assert.is(call.stderr(), text === '' ? '' : `${told}${text}\n`)
  }
})

test('one that is started again gets it before its first end is told', async () => {
  const { program, job } = asker('sleep 1; exit 0')
  const one = new Monitored(sh('exit 3'), scope(program, { restart: 'on-failure', 'restart-max': '1' }))
  assert.is((await one.attached()).status, 3)
  assert.is(job()[0], 'join')
  await one.until('exited')
  await one.end()
})

test('a container without a cgroup of its own is started in the scope', async () => {
  const { program } = asker('sleep 1; exit 0')
  for (const first of ['0', '1']) {
    const one = new Monitored(sh('sleep 1000'), scope(program, { 'scope-first': first }))
    const call = one.start('run', ...shown)
    await until('the monitor is there', () => existsSync(one.path('state.json')))
    await new Promise((resolve) => setTimeout(resolve, 500))
    // Beside the request, or after it.
    if (first === '1') assert.is(one.state().status, 'created')
    await one.until('running')
    await one.end()
    await call.ended
  }
})

test('one that fails to start leaves no request behind', async () => {
  const { program, job } = asker('exit 0')
  const patch: Json = { process: { args: ['/nonexistent'] } }
  const one = new Monitored(sh('true'), scope(program), patch)
  assert.is((await one.run()).status, 127)
  assert.is(job()[0], 'join')
})

test('when the machine goes down, a container that does not end is killed in its time', async () => {
  const one = new Monitored(sh('trap "" TERM; echo ready; while :; do sleep 1; done'), {
    'stop-timeout': '1',
    restart: 'always',
  })
  assert.is((await one.run()).status, 0)
  await until('it does not hear', () => one.log().length > 0)
  const { monitorPid } = one.state()
  const begun = performance.now()
  process.kill(monitorPid, 'SIGTERM')
  await one.until('exited')
  const milliseconds = performance.now() - begun
  assert.ok(milliseconds >= 900 && milliseconds < scaled(4000), `${milliseconds} ms`)
  assert.is(one.state().exitCode, 137)
  await until('the monitor has ended', () => !existsSync(`/proc/${monitorPid}`))
})

run()
