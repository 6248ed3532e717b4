// SPDX-License-Identifier: Apache-2.0
// What containers write, how they end, and what is told of both: logs, wait, events.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scaled } from '../helpers/slow.ts'
import { buildBase, Dock, nothingLeft, type Run, tsdockPath } from '../helpers/tsdock.ts'

const dock = new Dock()
const image = 'localhost/base'
const runtimes = ['tsrun', ...(existsSync('/usr/sbin/runc') ? ['/usr/sbin/runc'] : [])]

const sha = (data: string): string => createHash('sha256').update(data, 'latin1').digest('hex')
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i))

/** flags, then the script. */
const run = (flags: string, script: string): Run =>
  dock.run('run', '--net', 'none', ...flags.split(' ').filter(Boolean), image, 'sh', '-c', script)

function mustRun(flags: string, script: string): string {
  const { status, stdout, stderr } = run(flags, script)
  if (status !== 0) throw new Error(`${flags}: ${script}: status ${status}: ${stderr}`)
  return stdout
}

interface Following {
  readonly child: ChildProcess
  readonly lines: () => readonly string[]
  readonly ended: Promise<number | null>
}

/** A command that goes on, whose lines can be looked at meanwhile. */
function follow(...args: readonly string[]): Following {
  const child = spawn(tsdockPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TSDOCK_ROOT: dock.storage },
  })
  let all = ''
  child.stdout.on('data', (chunk: Buffer) => {
    all += chunk.toString()
  })
  return {
    child,
    lines: () => all.split('\n').slice(0, -1),
    ended: once(child, 'close').then(([code]) => code as number | null),
  }
}

async function until(what: string, done: () => boolean): Promise<void> {
  const end = performance.now() + scaled(10_000)
  while (!done()) {
    if (performance.now() > end) throw new Error(`${what}: it did not come`)
    await sleep(20)
  }
}

for (const runtime of runtimes) {
  const flags = `--runtime ${runtime}`

  test(`${runtime}: 50 MB come through whole, on standard output and in the log`, () => {
    const wanted = spawnSync('seq', ['1', '7000000'], { maxBuffer: 1 << 27 }).stdout.toString('latin1')
    assert.ok(wanted.length > 50 << 20)
    const stdout = mustRun(`${flags} --name much`, 'seq 1 7000000')
    assert.is(stdout.length, wanted.length)
    assert.is(sha(stdout), sha(wanted))
    const logged = dock.must('logs', 'much').stdout
    assert.is(sha(logged), sha(wanted))
    assert.is(dock.must('logs', '--tail', '2', 'much').stdout, '6999999\n7000000\n')
    dock.must('rm', 'much')
  })

  test(`${runtime}: what ends at once loses nothing`, () => {
    for (let i = 0; i < 10; i++) {
      assert.equal(run(`${flags} --rm`, 'echo out; echo err >&2; exit 3'), {
        status: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      })
    }
  })

  test(`${runtime}: exit codes, attached and not`, () => {
    const kill = (signal: string): string[] => ['sh', '-c', `kill -${signal} $$; sleep 9`]
    const codes: readonly (readonly [code: number, flags: readonly string[], command: readonly string[]])[] = [
      [0, [], ['true']],
      [1, [], ['false']],
      [126, [], ['/etc/passwd']],
      [127, [], ['no-such-program']],
      // As the first process of a container, a program gets no signals that it does not expect.
      [137, ['--init'], kill('KILL')],
      [143, ['--init'], kill('TERM')],
    ]
    for (const [code, flags, command] of codes) {
      const all = ['--net', 'none', '--runtime', runtime, ...flags]
      const attached = dock.run('run', '--rm', ...all, image, ...command)
      assert.is(attached.status, code, `${command}: ${attached.stderr}`)
      const left = dock.run('run', '-d', '--name', 'code', ...all, image, ...command)
      if (code === 126 || code === 127) assert.is(left.status, code, left.stderr)
      else assert.is(dock.must('wait', 'code').stdout, `${code}\n`)
      dock.must('rm', '-f', 'code')
    }
    assert.is(dock.run('run', '--rm', '--runtime', runtime, '--net', 'container:none-such', image, 'true').status, 125)
  })

  test(`${runtime}: wait hears how one ended that is removed at once`, async () => {
    for (let code = 2; code < 6; code++) {
      mustRun(`${flags} -d --rm --name gone`, `sleep 1; exit ${code}`)
      assert.is((await dock.runAsync('wait', 'gone')).stdout, `${code}\n`)
      await until('removed', () => dock.run('inspect', 'gone').status !== 0)
    }
  })
}

test('logs: which lines', () => {
  mustRun(
    '-d --name lines --label a=x --log-opt labels=a',
    'for i in 1 2 3; do echo $i; sleep 0.05; done; echo e >&2; printf end',
  )
  dock.must('wait', 'lines')
  assert.equal(dock.must('logs', 'lines'), { status: 0, stdout: '1\n2\n3\nend', stderr: 'e\n' })
  const stamped = dock.must('logs', '-t', '--details', 'lines').stdout.split('\n')
  assert.match(stamped[1] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a=x 2$/)
  const time = stamped[1]?.split(' ')[0] ?? ''
  assert.is(dock.must('logs', '--since', time, 'lines').stdout, '2\n3\nend')
  assert.is(dock.must('logs', '--until', time, 'lines').stdout, '1\n2\n')
  assert.is(dock.must('logs', '--since', '0s', 'lines').stdout, '')
  assert.is(dock.must('logs', '--since', '10m', '-n', '1', 'lines').stdout, 'end')
  assert.is(dock.must('logs', '-n', '0', 'lines').stdout, '')
  assert.is(dock.must('logs', '-n', 'all', 'lines').stdout, '1\n2\n3\nend')
  assert.match(dock.run('logs', '--since', 'never', 'lines').stderr, /invalid value for "since"/)
  dock.must('rm', 'lines')
  mustRun('-d --name none --log-driver none', 'echo x')
  assert.match(dock.run('logs', 'none').stderr, /does not support reading/)
  dock.must('rm', '-f', 'none')
})

test('logs -f: across rotations, and from one start to the next', async () => {
  const script = 'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); [ $((i % 30)) = 0 ] && sleep 0.02; done; true'
  mustRun('-d --name rotated --log-opt max-size=20k --log-opt max-file=50', script)
  const { lines, ended } = follow('logs', '-f', 'rotated')
  assert.is(await ended, 0)
  assert.equal(lines(), numbers(0, 3000))
  assert.equal(dock.must('logs', 'rotated').stdout.trim().split('\n'), numbers(0, 3000))
  dock.must('start', 'rotated')
  const again = follow('logs', '-f', '-n', '3', 'rotated')
  assert.is(await again.ended, 0)
  assert.is(again.lines().at(-1), '2999')
  dock.must('rm', 'rotated')
})

test('wait: one that is started again has ended, too', async () => {
  mustRun('-d --restart on-failure:1 --name again', 'sleep 0.4; exit 5')
  assert.is((await dock.runAsync('wait', 'again')).stdout, '5\n')
  assert.is((await dock.runAsync('wait', '--condition', 'next-exit', 'again')).stdout, '5\n')
  await until('exited', () => dock.must('inspect', '-f', '{{.State.Status}}', 'again').stdout === 'exited\n')
  const next = dock.runAsync('wait', '--condition', 'next-exit', 'again')
  const removed = dock.runAsync('wait', '--condition', 'removed', 'again')
  await sleep(scaled(400))
  dock.must('start', 'again')
  assert.is((await next).stdout, '5\n')
  dock.must('rm', '-f', 'again')
  assert.match((await removed).stdout, /^\d+\n$/)
  assert.match(dock.run('wait', '--condition', 'x', 'again').stderr, /invalid condition/)
  assert.equal(dock.run('wait', 'nobody'), { status: 1, stdout: '', stderr: 'tsdock: No such container: nobody\n' })
})

test('events: as they happen, and afterwards', async () => {
  const format = '{{.Action}} {{index .Actor.Attributes "exitCode"}}'
  const { child, lines, ended } = follow('events', '--filter', 'container=seen', '--format', format)
  await sleep(scaled(500))
  mustRun('--name other', 'true')
  assert.is(run('--name seen', 'exit 6').status, 6)
  dock.must('rm', 'seen', 'other')
  await until('destroy', () => lines().some((line) => line.startsWith('destroy')))
  child.kill('SIGINT')
  await ended
  const actions = lines().map((line) => line.split(' ')[0])
  assert.equal(
    actions.filter((one) => one !== 'attach'),
    ['create', 'start', 'die', 'destroy'],
  )
  assert.ok(lines().includes('die 6'))
  const past = dock.must('events', '--since', '10m', '--until', '0s', '--filter', 'container=seen')
  assert.match(past.stdout, /^\S+ container die [0-9a-f]{64} \(.*exitCode=6, .*name=seen\)$/m)
  const json = dock.must(
    'events',
    '--since',
    '10m',
    '--until',
    '0s',
    '--filter',
    'event=die',
    '--format',
    'json',
  ).stdout
  for (const line of json.trim().split('\n')) assert.is((JSON.parse(line) as { status: string }).status, 'die')
  const before = performance.now()
  dock.must('events', '--until', `${(Date.now() + 500) / 1000}`)
  assert.ok(performance.now() - before > 400)
})

test('several who are attached see the same, and one who does not read keeps nobody', async () => {
  mustRun('-d -i --name shared', 'read go; seq 1 300000')
  const readers = [1, 2, 3].map(() => follow('attach', '--no-stdin', 'shared'))
  const deaf = spawn(tsdockPath, ['attach', '--no-stdin', 'shared'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TSDOCK_ROOT: dock.storage },
  })
  deaf.stdout.pause()
  await sleep(scaled(1000))
  const go = spawn(tsdockPath, ['attach', 'shared'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TSDOCK_ROOT: dock.storage },
  })
  const said = text(go.stdout.pipe(new PassThrough()))
  go.stdin.end('\n')
  assert.is((await dock.runAsync('wait', 'shared')).stdout, '0\n')
  await Promise.all(readers.map(({ ended }) => ended))
  for (const { lines } of readers) {
    // A reader that is slower than the container loses parts, in the middle, and never has anything wrong.
    assert.is(lines().at(0), '1')
    assert.ok(lines().length > 1000)
  }
  assert.ok((await said).startsWith('1\n2\n'))
  deaf.stdout.resume()
  deaf.kill()
  assert.equal(dock.must('logs', '-n', '1', 'shared').stdout, '300000\n')
  dock.must('rm', '-f', 'shared')
})

if (process.getuid?.() !== 0) process.stdout.write('SKIP output of containers: needs root\n')
else {
  test.before(() => buildBase(dock))
  test.after(() => {
    const left = dock.must('ps', '-aq').stdout.split('\n').filter(Boolean)
    if (left.length > 0) dock.run('rm', '-f', ...left)
    nothingLeft(dock)
  })
  test.run()
}
