// SPDX-License-Identifier: Apache-2.0
// Commands that tell the health of a container, by its monitor.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import type { Json } from '../helpers/bundle.ts'
import { Monitored, type Settings } from '../helpers/monitored.ts'
import { until } from '../helpers/runtime.ts'
import { scaled } from '../helpers/slow.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('health checks')

interface Report {
  readonly Status: string
  readonly FailingStreak: number
  readonly Log: readonly {
    readonly Start: string
    readonly End: string
    readonly ExitCode: number
    readonly Output: string
  }[]
}

const reportOf = (one: Monitored): Report => JSON.parse(readFileSync(one.path('health.json'), 'utf8')) as Report

/** A container whose health is what a command says. */
function checked(command: string, settings: Settings): Monitored {
  const one = new Monitored(['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'])
  const { process } = JSON.parse(readFileSync(one.path('config.json'), 'utf8')) as { process: Json }
  writeFileSync(one.path('check.json'), JSON.stringify({ ...process, args: ['sh', '-c', command] }))
  one.configure({
    'health-process': one.path('check.json'),
    'health-interval': String(scaled(100)),
    'health-timeout': String(scaled(5000)),
    'health-retries': '2',
    ...settings,
  })
  return one
}

const status = (one: Monitored, wanted: string): Promise<void> =>
  until(`it is ${wanted}`, () => reportOf(one).Status === wanted, 10_000)

test('a container becomes healthy, unhealthy after some failures, and healthy again', async () => {
  const one = checked('if [ -e /sick ]; then echo cough; echo err >&2; exit 7; fi; echo "fine \\"$HOSTNAME\\""', {})
  await one.run()
  assert.is(reportOf(one).Status, 'starting')
  await status(one, 'healthy')
  assert.match(reportOf(one).Log[0]?.Output ?? '', /^fine "/)
  assert.is(reportOf(one).Log[0]?.ExitCode, 0)
  writeFileSync(one.path('merged/sick'), '')
  await until('it fails once', () => reportOf(one).FailingStreak > 0)
  await status(one, 'unhealthy')
  const { FailingStreak, Log } = reportOf(one)
  assert.ok(FailingStreak >= 2)
  assert.is(Log.at(-1)?.ExitCode, 7)
  assert.is(Log.at(-1)?.Output, 'cough\nerr\n')
  assert.match(Log.at(-1)?.Start ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  rmSync(one.path('merged/sick'))
  await status(one, 'healthy')
  assert.is(reportOf(one).FailingStreak, 0)
  await until('five are kept', () => reportOf(one).Log.length === 5)
  await one.end()
  assert.is(reportOf(one).Status, 'unhealthy')
  assert.is(one.actions(), 'start health_status: healthy health_status: unhealthy health_status: healthy die')
})

test('a check that takes too long is killed, and fails', async () => {
  const one = checked('echo slow; sleep 1000', { 'health-timeout': String(scaled(300)), 'health-retries': '1' })
  await one.run()
  await status(one, 'unhealthy')
  const [entry] = reportOf(one).Log
  assert.is(entry?.ExitCode, -1)
  assert.match(entry?.Output ?? '', /^Health check exceeded timeout \([\d.]+s\): slow\n$/)
  await one.end()
})

test('failures do not count while a container starts', async () => {
  const one = checked('exit 1', {
    'health-start-period': String(scaled(1500)),
    'health-start-interval': String(scaled(50)),
    'health-retries': '1',
  })
  await one.run()
  await until('some have failed', () => reportOf(one).Log.length >= 3)
  assert.equal([reportOf(one).Status, reportOf(one).FailingStreak], ['starting', 0])
  await status(one, 'unhealthy')
  await one.end()
})

test('output beyond 4096 bytes is dropped, and a program that is missing is a failure', async () => {
  const one = checked('head -c 100000 /dev/zero | tr "\\\\0" x; no-such-program', { 'health-retries': '1' })
  await one.run()
  await status(one, 'unhealthy')
  assert.is(reportOf(one).Log[0]?.Output, 'x'.repeat(4096))
  assert.is(reportOf(one).Log[0]?.ExitCode, 127)
  await one.end()
})

test('the end of a container does not wait for a check', async () => {
  const one = checked('sleep 1000', {})
  await one.run()
  await new Promise((resolve) => setTimeout(resolve, scaled(400)))
  await one.end()
  assert.is(one.state().status, 'exited')
})

run()
