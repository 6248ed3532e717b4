// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer, withContainer, withRunning } from '../helpers/container.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('log')
const broken = { root: { path: '/no/such/rootfs' } }

function jsonLines(path: string): readonly Json[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)
}

test('--log-format json: every line is an object with level, msg and time', () => {
  const log = newPath('log.json')
  const outcome = newContainer(broken).create([], { globals: ['--log', log, '--log-format', 'json'] })
  assert.is(outcome.status, 1)
  const lines = jsonLines(log)
  const errors = lines.filter((line) => line['level'] === 'error')
  assert.ok(errors.length >= 1)
  for (const line of lines) {
    assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
    assert.type(line['msg'], 'string')
  }
  assert.match(String(errors.at(-1)?.['msg']), /no such file or directory/)
  if (isTsrun) {
    assert.is(errors.length, 1)
    assert.match(String(errors[0]?.['msg']), /root\.path.*\/no\/such\/rootfs.*ENOENT/)
  }
})

test('the error goes to stderr as well', () => {
  const outcome = newContainer(broken).create([], { globals: ['--log', newPath('log'), '--log-format=json'] })
  assert.match(outcome.stderr, /no such file or directory/)
})

test('the log is appended to, mode 0644, and text by default', () => {
  const log = newPath('log')
  newContainer(broken).create([], { globals: ['--log', log] })
  const first = readFileSync(log, 'utf8')
  newContainer(broken).create([], { globals: ['--log', log] })
  const second = readFileSync(log, 'utf8')
  assert.ok(second.startsWith(first) && second.length > first.length)
  assert.match(first, /^time="?\S+"? level=error msg=".*"$/m)
  assert.is(statSync(log).mode & 0o777, 0o644)
})

test('an existing log keeps its lines', () => {
  const log = newPath('log.json')
  writeFileSync(log, '{"level":"info","msg":"mine","time":"2026-01-01T00:00:00Z"}\n')
  newContainer(broken).create([], { globals: ['--log', log, '--log-format', 'json'] })
  assert.is(jsonLines(log)[0]?.['msg'], 'mine')
})

test('a success writes no error', async () => {
  const log = newPath('log.json')
  await withContainer(withArgs(['true']), (container) => {
    mustSucceed(container.run([], { globals: ['--log', log, '--log-format', 'json'] }))
  })
  assert.is(jsonLines(log).filter((line) => line['level'] === 'error').length, 0)
})

test('quotes, control characters and unicode in a message stay valid JSON', () => {
  const log = newPath('log.json')
  const outcome = newContainer({ root: { path: '/no/such "root"\\\n\t/\u00fc' } }).create([], {
    globals: ['--log', log, '--log-format', 'json'],
  })
  assert.is(outcome.status, 1)
  assert.ok(jsonLines(log).length >= 1)
})

test('--debug writes more, all lines parse', async () => {
  const log = newPath('log.json')
  await withContainer(withArgs(['true']), (container) => {
    mustSucceed(container.run([], { globals: ['--debug', '--log', log, '--log-format', 'json'] }))
  })
  assert.ok(jsonLines(log).some((line) => line['level'] === 'debug'))
})

test('--debug tells of the steps of a process into its container, in words that callers look for', async () => {
  const debug = { globals: ['--debug'] }
  await withRunning(
    withArgs(['sleep', '60'], { linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } } }),
    (container, created) => {
      assert.not.match(created.stderr, /level=debug/)
      const { stderr } = mustSucceed(container.exec(['true'], [], debug))
      for (const text of [/nsexec container setup/, /nsexec\S*: affinity: 0x\w+/, /child process in init\(\)/]) {
        assert.match(stderr, text)
      }
      assert.match(stderr, /setns_init: about to exec/)
      assert.match(stderr, /seccomp filter flags: \d+/)
    },
  )
  await withContainer(withArgs(['true']), (container) => {
    assert.match(mustSucceed(container.run([], debug)).stderr, /init: closing the pipe to signal completion/)
  })
})

test('a wrong --log-format and an unwritable --log are refused', () => {
  const format = newContainer().create([], { globals: ['--log-format', 'xml'] })
  assert.is(format.status, 1)
  assert.match(format.stderr, /log-format|format/)
  const file = newContainer().create([], { globals: ['--log', '/no/such/dir/log'] })
  assert.is(file.status, 1)
  assert.match(file.stderr, /no such file or directory/)
})

run()
