// SPDX-License-Identifier: Apache-2.0
// `debug`: the tools of another image beside a container that has none, whether it runs or not.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildBase, Dock, tsdockPath } from '../helpers/tsdock.ts'

const dock = new Dock()
const image = 'localhost/base'
const inside = (name: string, ...command: readonly string[]): string =>
  dock.must('debug', '--image', image, name, ...command).stdout.trim()

if (process.getuid?.() !== 0) process.stdout.write('SKIP debug: needs root\n')
else if (!existsSync('/bin/busybox')) process.stdout.write('SKIP debug: busybox is missing\n')
else {
  test.before(() => buildBase(dock))
  test.after(() => {
    for (const id of dock.must('ps', '-aq').stdout.trim().split('\n').filter(Boolean)) dock.must('rm', '-fv', id)
  })

  test('one that runs: its processes, its network, its files', () => {
    dock.must(
      'create',
      '--name',
      'up',
      '--net',
      'none',
      '-v',
      '/kept',
      image,
      'sh',
      '-c',
      'echo 1 > /kept/x; sleep 300',
    )
    assert.is(dock.run('start', 'up').status, 0)
    const pid = dock.must('inspect', '-f', '{{.State.Pid}}', 'up').stdout.trim()
    assert.match(inside('up', 'ps'), /1 root .*sleep 300/)
    assert.is(
      inside('up', 'cat', '/container/etc/hostname'),
      readFileSync(`/proc/${pid}/root/etc/hostname`, 'utf8').trim(),
    )
    assert.is(inside('up', 'cat', '/container/kept/x'), '1')
    inside('up', 'touch', '/container/by-debug')
    assert.ok(existsSync(`/proc/${pid}/root/by-debug`))
    dock.must('rm', '-fv', 'up')
    dock.must('create', '--name', 'sharing', '--net', 'none', '--ipc', 'shareable', image, 'sleep', '300')
    assert.is(dock.run('start', 'sharing').status, 0)
    assert.is(inside('sharing', 'sh', '-c', 'echo 1 > /dev/shm/x; cat /dev/shm/x'), '1')
    dock.must('rm', '-fv', 'sharing')
  })

  test('one that has ended: its files and volumes, which can be mended', () => {
    dock.must(
      'create',
      '--name',
      'down',
      '--net',
      'none',
      '-v',
      '/kept',
      image,
      'sh',
      '-c',
      'echo 1 > /kept/x; . /setting',
    )
    assert.not.equal(dock.run('start', '-a', 'down').status, 0)
    const before = readFileSync('/proc/self/mountinfo', 'utf8')
    assert.is(inside('down', 'cat', '/container/kept/x'), '1')
    inside('down', 'sh', '-c', 'echo exit 5 > /container/setting')
    assert.is(dock.run('debug', '--image', image, 'down', 'sh', '-c', 'exit 7').status, 7)
    assert.is(readFileSync('/proc/self/mountinfo', 'utf8'), before)
    assert.is(dock.run('start', '-a', 'down').status, 5)
    assert.match(dock.must('diff', 'down').stdout, 'A /setting')
    dock.must('rm', '-fv', 'down')
  })

  test('a signal goes to the tools, and the container stays locked until they have ended', async () => {
    dock.must('create', '--name', 'held', '--net', 'none', image, 'true')
    const script = 'trap "sleep 1; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    const tools = spawn(tsdockPath, ['debug', '--image', image, 'held', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TSDOCK_ROOT: dock.storage },
    })
    const ended = once(tools, 'close')
    await once(tools.stdout, 'data')
    tools.kill('SIGTERM')
    const began = performance.now()
    assert.is(dock.run('start', '-a', 'held').status, 0)
    assert.ok(performance.now() - began > 500, 'it was started beside the tools')
    assert.equal(await ended, [9, null])
    assert.is(dock.must('ps', '-q').stdout, '')
    dock.must('rm', 'held')
  })

  test('one whose program cannot run; one that is not there', () => {
    dock.must('create', '--name', 'never', '--net', 'none', image, '/no/such/program')
    assert.is(dock.run('start', 'never').status, 1)
    assert.is(inside('never', 'ls', '/container/bin/busybox'), '/container/bin/busybox')
    const { status, stderr } = dock.run('debug', '--image', image, 'nobody')
    assert.is(status, 1)
    assert.match(stderr, 'No such container: nobody')
    assert.is(dock.run('debug', '--image', 'localhost/nothing', '--', 'never', 'true').status, 125)
    dock.must('rm', '-fv', 'never')
  })
}

test.run()
