// SPDX-License-Identifier: Apache-2.0
// What is killed while `tsdock run` is under way: nothing hangs, `ps` tells the truth, and a later start works.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scaled } from '../helpers/slow.ts'
import { buildBase, Dock, nothingLeft, tsdockPath } from '../helpers/tsdock.ts'
import { newDir, projectDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const image = 'localhost/base'
const runtimes = [join(projectDir, 'dist/bin/tsrun'), ...(existsSync('/usr/sbin/runc') ? ['/usr/sbin/runc'] : [])]

interface State {
  readonly pid: number
  readonly monitorPid: number
}

const stateOf = (name: string): State => {
  const id = dock.must('inspect', '-f', '{{.Id}}', name).stdout.trim()
  return JSON.parse(readFileSync(join(dock.storage, 'containers', id, 'state.json'), 'utf8')) as State
}
const inspected = (name: string): string =>
  dock.must('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}', name).stdout.trim()
const shown = (name: string): string => dock.must('ps', '-a', '-f', `name=${name}`, '--format', '{{.Status}}').stdout

async function until(what: string, done: () => boolean): Promise<void> {
  const end = performance.now() + scaled(10_000)
  while (!done()) {
    if (performance.now() > end) throw new Error(`${what}: it did not come`)
    await sleep(20)
  }
}

/** It starts as if nothing had been. */
function startsAgain(name: string): void {
  dock.must('start', name)
  assert.is(inspected(name).split(' ')[0], 'running')
  dock.must('stop', '-t', '0', name)
  assert.match(shown(name), /^Exited \(137\)/)
  dock.must('rm', name)
}

for (const runtime of runtimes) {
  const flags = ['--net', 'none', '--runtime', runtime]
  const title = (text: string): string => `${runtime.replace(/.*\//, '')}: ${text}`

  test(title('the monitor is killed'), async () => {
    dock.must('run', '-d', ...flags, '--name', 'orphan', image, 'sleep', '1000')
    const { pid, monitorPid } = stateOf('orphan')
    process.kill(monitorPid, 'SIGKILL')
    await until('it has ended', () => !existsSync(`/proc/${monitorPid}/exe`))
    // The container itself is there.
    assert.match(shown('orphan'), /^Up /)
    assert.is(dock.must('exec', 'orphan', 'echo', 'here').stdout, 'here\n')
    process.kill(pid, 'SIGKILL')
    await until('it has ended', () => !existsSync(`/proc/${pid}/exe`))
    assert.match(shown('orphan'), /^Exited \(255\)/)
    assert.is((await dock.runAsync('wait', 'orphan')).stdout, '255\n')
    startsAgain('orphan')
  })

  test(title('the caller is killed'), async () => {
    const caller = spawn(tsdockPath, ['run', ...flags, '--name', 'kept', image, 'sleep', '1000'], {
      stdio: 'ignore',
      env: { ...process.env, TSDOCK_ROOT: dock.storage },
    })
    const ended = once(caller, 'exit')
    await until('it runs', () => dock.run('inspect', '-f', '{{.State.Status}}', 'kept').stdout === 'running\n')
    caller.kill('SIGKILL')
    await ended
    assert.match(shown('kept'), /^Up /)
    dock.must('stop', '-t', '0', 'kept')
    startsAgain('kept')
  })

  test(title('what it takes back at the end takes a while'), () => {
    const wrapper = join(newDir('slow'), 'runtime')
    writeFileSync(wrapper, `#!/bin/sh\ncase " $* " in *" delete "*) sleep 2 ;; esac\nexec ${runtime} "$@"\n`, {
      mode: 0o755,
    })
    dock.must('run', '-d', '--net', 'none', '--runtime', wrapper, '--name', 'slow', image, 'sleep', '1000')
    assert.is(dock.must('rm', '-f', 'slow').stdout, 'slow\n')
    assert.is(shown('slow'), '')
  })

  test(title('the runtime is killed while it starts the container'), () => {
    const bin = newDir('bin')
    const wrapper = join(bin, 'wrapper')
    const killed = join(bin, 'killed')
    writeFileSync(
      wrapper,
      `#!/bin/sh\ncase " $* " in *" run "*) [ -e ${killed} ] || { : > ${killed}; kill -9 $$; } ;; esac\nexec ${runtime} "$@"\n`,
      { mode: 0o755 },
    )
    const options = ['--net', 'none', '--runtime', wrapper, '--name', 'unborn', image, 'sleep', '1000']
    const { status, stderr } = dock.run('run', '-d', ...options)
    assert.is(status, 125, stderr)
    assert.match(stderr, /^tsdock: .+\n$/)
    assert.match(shown('unborn'), /^Created/)
    startsAgain('unborn')
  })

  test(title('want of memory is told'), async () => {
    const hungry = ['sh', '-c', 'x=$(tail -c 200000000 /dev/zero | tr "\\0" x); echo $x | wc -c']
    // The kernel may choose another process of it than the first one.
    await dock.runAsync(
      'run',
      ...flags,
      '--memory',
      '16m',
      '--memory-swap',
      '16m',
      '--name',
      'hungry',
      image,
      ...hungry,
    )
    assert.match(inspected('hungry'), /^exited \d+ true$/)
    assert.match(
      dock.must('events', '--since', '1m', '--until', '0s', '--filter', 'container=hungry').stdout,
      /container oom/,
    )
    dock.must('rm', 'hungry')
  })
}

test('the monitor takes less than a megabyte', () => {
  dock.must('run', '-d', '--net', 'none', '--name', 'small', image, 'sh', '-c', 'seq 100000; sleep 1000')
  const { monitorPid } = stateOf('small')
  const kilobytes = Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${monitorPid}/smaps_rollup`, 'utf8'))?.[1])
  assert.ok(kilobytes > 0 && kilobytes <= 1024, `${kilobytes} kB`)
  dock.must('rm', '-f', 'small')
})

if (process.getuid?.() !== 0) process.stdout.write('SKIP faults of run: needs root\n')
else {
  test.before(() => buildBase(dock))
  test.after(() => {
    const left = dock.must('ps', '-aq').stdout.split('\n').filter(Boolean)
    if (left.length > 0) dock.run('rm', '-f', ...left)
    nothingLeft(dock)
  })
  test.run()
}
