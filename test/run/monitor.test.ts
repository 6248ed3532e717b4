// SPDX-License-Identifier: Apache-2.0
// tsdock-monitor by itself: the start and the end of a container, its output and input.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { Monitored, shown } from '../helpers/monitored.ts'
import { isTsrun, until } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { scaled } from '../helpers/slow.ts'
import { onTerminal, typeOnTerminal } from '../helpers/terminal.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'
import { monitorPath } from '../helpers/monitored.ts'

const { test, run } = hostSuite('monitor')

/** A file that may not be there yet. */
const contents = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

const sh = (script: string): readonly string[] => ['sh', '-c', script]

test('an attached container gives its output and its exit code', async () => {
  const one = new Monitored(sh('echo out; echo err >&2; touch /made; exit 3'))
  const result = await one.attached()
  assert.equal(result, { status: 3, stdout: 'out\n', stderr: 'err\n' })
  const state = one.state()
  assert.is(state.status, 'exited')
  assert.is(state.exitCode, 3)
  assert.equal([state.pid, state.error], [0, ''])
  assert.match(state.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)
  assert.ok(state.startedAt <= state.finishedAt)
  assert.equal(
    one
      .log()
      .map(({ log, stream }) => `${stream} ${log}`)
      .sort(),
    ['stderr err\n', 'stdout out\n'],
  )
  assert.not(one.isMounted())
  assert.is(readFileSync(one.path('diff/made'), 'utf8'), '')
  assert.is(one.actions(), 'attach start die')
  const die = one.events().at(-1)
  assert.equal(die?.['Actor'], {
    ID: one.id,
    Attributes: { image: 'an "image"', name: 'some', execDuration: '0', exitCode: '3' },
  })
})

test('one that ends at once loses nothing, as often as it is run', async () => {
  const one = new Monitored(['echo', 'quick'])
  for (let i = 0; i < 10; i += 1) {
    assert.equal(await one.attached(), { status: 0, stdout: 'quick\n', stderr: '' })
  }
  assert.is(one.log().length, 10)
})

test('a detached container runs beside its monitor, in a mount that others see', async () => {
  const one = new Monitored(sh('echo begun; sleep 100'))
  // Its output is a file here, and would be a pipe that never ends elsewhere: nothing of the caller's is kept.
  assert.equal(await one.run(), { status: 0, stdout: '', stderr: '' })
  const { status, pid, monitorPid } = one.state()
  assert.is(status, 'running')
  assert.ok(one.isMounted())
  assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), new RegExp(`\\) \\S ${monitorPid} `))
  await until('it has printed', () => one.log().length === 1)
  const again = await one.run()
  assert.is(again.status, 125)
  assert.match(again.stderr, /^tsdock: the container has a monitor already\n$/)
  assert.is(one.state().pid, pid)
  one.kill()
  await one.until('exited')
  assert.is(one.state().exitCode, 137)
  await until('nothing is mounted', () => !one.isMounted())
})

test('the monitor is small', async () => {
  const one = new Monitored(sh('head -c 5000000 /dev/zero | tr "\\\\0" x; sleep 100'))
  await one.run()
  await until('it has printed', () => one.log().length > 300)
  const rollup = readFileSync(`/proc/${one.state().monitorPid}/smaps_rollup`, 'utf8')
  const kilobytes = Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1])
  assert.ok(kilobytes > 0 && kilobytes <= 1024, `${kilobytes} kB`)
  await one.end()
})

const failures: readonly (readonly [string, number, RegExp])[] = [
  ['nope', 127, /executable file not found in \$PATH/],
  ['/bin/nope', 127, /no such file or directory/],
  ['/etc/passwd', 126, /permission denied/],
]
for (const [program, code, text] of failures) {
  test(`${program} is not started: ${code}`, async () => {
    const cleaned = newPath('cleaned')
    const one = new Monitored([program], {
      'wait-cleanup': '1',
      cleanup: ['/bin/sh', '-c', `sleep 0.1; echo "$0" > ${cleaned}`, 'gone'],
    })
    for (const flags of [[], shown]) {
      const result = await one.run(...flags)
      assert.is(result.status, code)
      assert.match(result.stderr, text)
      assert.match(result.stderr, /^tsdock: [^\n]+\n$/)
      assert.not.match(result.stderr, /exit status|run failed|level=/)
      const state = one.state()
      assert.equal([state.status, state.exitCode, state.startedAt], ['created', code, ''])
      assert.match(state.error, text)
      assert.is(readFileSync(cleaned, 'utf8'), 'gone\n')
      assert.not(one.isMounted())
    }
    assert.equal(one.log(), [])
    assert.not.match(one.actions(), /start|die/)
  })
}

test('a runtime that is missing is told', async () => {
  const one = new Monitored(['true'], { runtime: '/no/such/runtime' })
  const result = await one.attached()
  assert.equal(result, {
    status: 125,
    stdout: '',
    stderr: 'tsdock: the runtime "/no/such/runtime": no such file or directory (ENOENT)\n',
  })
  assert.not(one.isMounted())
})

test('what monitor.conf says wrongly is told', async () => {
  const one = new Monitored(['true'], { 'log-max-size': '1k' })
  assert.equal(await one.run(), {
    status: 125,
    stdout: '',
    stderr: 'tsdock: monitor.conf: log-max-size=1k: invalid argument (EINVAL)\n',
  })
  one.configure({ lower: '/no/such/layer' })
  assert.match((await one.run()).stderr, /^tsdock: open "\/no\/such\/layer": no such file or directory \(ENOENT\)\n$/)
})

test('input comes to the container, and ends with that of the caller', async () => {
  const settings = { stdin: '1', 'stdin-once': '1' }
  const one = new Monitored(['cat'], settings)
  assert.equal(await one.attached('some text'), { status: 0, stdout: 'some text', stderr: '' })
  const large = Buffer.from(Array.from({ length: 100_000 }, (_, i) => `${i} ${'x'.repeat(i % 50)}\n`).join(''))
  const result = await one.attached(large)
  assert.is(result.status, 0)
  assert.ok(result.stdout === large.toString())
  // One that does not read its input is not waited for.
  const deaf = new Monitored(['true'], settings)
  assert.is((await deaf.attached(large)).status, 0)
  const other = new Monitored(['cat'], { stdin: '0' })
  assert.equal(await other.attached('nothing of it'), { status: 0, stdout: '', stderr: '' })
})

test('input that is kept open outlives its writers', async () => {
  const one = new Monitored(sh('read a; read b; echo "$a $b"'), { stdin: '1' })
  await one.run()
  const first = one.start('attach', ...shown)
  first.child.stdin?.write('first\n')
  await new Promise((resolve) => setTimeout(resolve, scaled(300)))
  first.child.kill('SIGKILL')
  await first.ended
  assert.is(one.state().status, 'running')
  assert.equal(await one.call('attach', shown, 'second\n'), { status: 0, stdout: 'first second\n', stderr: '' })
  await one.until('exited')
  assert.is(one.log()[0]?.log, 'first second\n')
})

test("signals of the caller are the container's", async () => {
  const script = 'trap "echo term; exit 9" TERM; trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done'
  const one = new Monitored(sh(script), { restart: 'always' })
  const call = one.start('run', ...shown)
  await until('ready', () => call.stdout() === 'ready\n')
  call.child.kill('SIGUSR1')
  await until('usr1', () => call.stdout() === 'ready\nusr1\n')
  call.child.kill('SIGTERM')
  assert.is((await call.ended).status, 9)
  assert.is(call.stdout(), 'ready\nusr1\nterm\n')
  // It was told to end, so it is not started again.
  await one.until('exited')
  const other = new Monitored(sh(script))
  const apart = other.start('run', ...shown, '--no-signals')
  await until('ready', () => apart.stdout() === 'ready\n')
  apart.child.kill('SIGTERM')
  assert.is((await apart.ended).status, 143)
  assert.is(other.state().status, 'running')
  await other.end()
})

test("a terminal is the caller's, with its size, and can be left and taken up again", async () => {
  const one = new Monitored(['sh'], { terminal: '1', stdin: '1' }, { process: { terminal: true } })
  const attached = `${monitorPath} run ${shown.join(' ')} ${one.directory}; echo code $?`
  const first = await typeOnTerminal(attached, [
    [/# /, 'stty size\n'],
    [/33 97[\s\S]*# /, 'exit 5\n'],
  ])
  assert.match(first.text, /code 5/)
  const left = await typeOnTerminal(attached, [
    [/# /, 'X=kept\n'],
    [/kept[\s\S]*# /, '\x10\x11'],
  ])
  assert.match(left.text, /read escape sequence\ncode 0/)
  assert.is(one.state().status, 'running')
  const back = `${monitorPath} attach ${shown.join(' ')} --detach-keys ctrl-a,b ${one.directory}; echo code $?`
  const again = await typeOnTerminal(back, [
    [500, 'echo is $X; stty size\n'],
    [/is kept[\s\S]*33 97/, '\x01b'],
  ])
  assert.match(again.text, /code 0/)
  const last = await typeOnTerminal(back, [[500, 'exit 4\n']])
  assert.match(last.text, /code 4/)
  const log = one
    .log()
    .map((line) => line.log)
    .join('')
  assert.match(log, /is kept\r\n33 97\r\n/)
  assert.is(one.actions(), 'attach start die attach start detach attach detach attach die')
})

test('paths may be longer than those of sockets', async () => {
  const directory = join(newDir('deep'), ...Array.from({ length: 10 }, () => 'a-rather-long-name'), 'c')
  const one = new Monitored(['sh'], { terminal: '1', stdin: '1' }, { process: { terminal: true } }, directory)
  await one.run()
  assert.is((await one.tell('resize', '11', '22')).status, 0)
  const result = await onTerminal(
    `echo ready; ${monitorPath} attach --stdout ${directory} </dev/null & sleep 0.1; ${monitorPath} attach ${shown.join(' ')} ${directory}`,
    'exit\n',
  )
  assert.is(result.status, 0, result.text)
  await one.until('exited').catch((e: unknown) => assert.unreachable(`${e} ${result.text}`))
})

test('lines of the log are those of Docker', async () => {
  const one = new Monitored(
    sh('printf "tab\\t \\"q\\" <&> \\033[1m \\377\\342\\202\\254\\r\\n\\n"; printf end; printf "e1\\ne2" >&2'),
  )
  await one.attached()
  const text = readFileSync(one.path('json.log'), 'utf8')
  const line = text.split('\n').find((entry) => entry.includes('tab'))
  assert.ok(
    line?.startsWith(
      '{"log":"tab\\u0009 \\"q\\" \\u003c\\u0026\\u003e \\u001b[1m \\ufffd€\\r\\n","stream":"stdout","time":"',
    ),
    line,
  )
  const of = (stream: string) =>
    one
      .log()
      .filter((entry) => entry.stream === stream)
      .map((entry) => entry.log)
  assert.equal(of('stdout').slice(1), ['\n', 'end'])
  assert.equal(of('stderr'), ['e1\n', 'e2'])
})

test('a long line comes in parts of 16 KiB with one time', async () => {
  const one = new Monitored(
    sh('head -c 40000 /dev/zero | tr "\\\\0" y; echo; head -c 16384 /dev/zero | tr "\\\\0" z; echo; echo after'),
  )
  await one.attached()
  const log = one.log()
  assert.equal(
    log.map((entry) => entry.log.length),
    [16384, 16384, 7233, 16384, 1, 6],
  )
  assert.is(new Set(log.slice(0, 3).map((entry) => entry.time)).size, 1)
})

test('logs are replaced when they are large', async () => {
  const settings = { 'log-max-size': '2000', 'log-max-file': '3' }
  const one = new Monitored(sh('for i in $(seq 100); do echo line $i; done'), settings)
  await one.attached()
  const lines = ['json.log.2', 'json.log.1', 'json.log'].map((name) => one.log(name).map((entry) => entry.log))
  assert.is(lines.flat().at(-1), 'line 100\n')
  assert.ok(
    lines.every((file) => file.length > 0 && file.length < 40),
    String(lines.map((file) => file.length)),
  )
  const first = 101 - lines.flat().length
  assert.equal(
    lines.flat(),
    Array.from({ length: 101 - first }, (_, i) => `line ${first + i}\n`),
  )
  assert.throws(() => readFileSync(one.path('json.log.3')), /ENOENT/)
  const none = new Monitored(['echo', 'x'], { 'keep-log': '0' })
  assert.is((await none.attached()).stdout, 'x\n')
  assert.throws(() => readFileSync(none.path('json.log')), /ENOENT/)
})

test('a container is started again as its policy says', async () => {
  const script = 'echo x >> /count; exit 2'
  const one = new Monitored(sh(script), { restart: 'on-failure', 'restart-max': '2' })
  const result = await one.attached()
  assert.is(result.status, 2)
  await one.until('exited')
  assert.is(readFileSync(one.path('diff/count'), 'utf8'), 'x\nx\nx\n')
  assert.is(one.state().restartCount, 2)
  assert.is(one.actions(), 'attach start die start die start die')
  const fine = new Monitored(sh('echo x >> /count'), { restart: 'on-failure' })
  await fine.attached()
  await fine.until('exited')
  assert.is(readFileSync(fine.path('diff/count'), 'utf8'), 'x\n')
  const always = new Monitored(sh('echo x >> /count'), { restart: 'always' })
  await always.run()
  await until('a fourth life', () => contents(always.path('diff/count')).length >= 8)
  await always.until('restarting')
  assert.is((await always.tell('stop-wanted')).status, 0)
  await always.until('exited')
  await always.end()
})

test('after a stop by command there is no restart', async () => {
  const one = new Monitored(sh('echo x >> /count; sleep 100'), { restart: 'always' })
  await one.run()
  const { pid } = one.state()
  await until('it counts', () => contents(one.path('diff/count')) === 'x\n')
  one.kill()
  await until('another life', () => one.state().status === 'running' && one.state().pid !== pid)
  await until('it counts', () => contents(one.path('diff/count')) === 'x\nx\n')
  await one.tell('set-restart', 'unless-stopped', '0')
  await one.tell('stop-wanted')
  const waiting = one.call('wait')
  await new Promise((resolve) => setTimeout(resolve, 100))
  one.kill()
  assert.is((await waiting).stdout, '137\n')
  assert.is(one.state().status, 'exited')
  assert.is(readFileSync(one.path('diff/count'), 'utf8'), 'x\nx\n')
  const late = await one.call('wait')
  assert.is(late.status, 125)
  assert.match(late.stderr, /^tsdock: the container's monitor does not answer/)
})

test('who waits for a container that is removed, waits for the cleanup', async () => {
  const cleaned = newPath('cleaned')
  const cleanup = ['/bin/sh', '-c', `sleep 0.2; echo "$@" > ${cleaned}`, 'x', 'a b', 'c']
  const one = new Monitored(['true'], { 'wait-cleanup': '1', cleanup })
  assert.is((await one.attached()).status, 0)
  assert.is(readFileSync(cleaned, 'utf8'), 'a b c\n')
  // It may run again while its last cleanup is not done.
  const slow = new Monitored(['true'], { cleanup: ['/bin/sleep', '0.5'] })
  for (let i = 0; i < 3; i += 1) assert.is((await slow.attached()).status, 0)
})

if (isTsrun) {
  test('a script without #! is not started: 126', async () => {
    const one = new Monitored(['/exec'], {}, {})
    const script = new Monitored(sh('printf "echo x" > /exec; chmod 755 /exec'), {}, {}, one.directory)
    assert.is((await script.attached()).status, 0)
    const again = new Monitored(['/exec'], {}, {}, one.directory)
    const result = await again.attached()
    assert.is(result.status, 126)
    assert.match(result.stderr, /exec format error/)
    assert.is(again.state().status, 'exited')
  })
}

run()
