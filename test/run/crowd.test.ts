// SPDX-License-Identifier: Apache-2.0
// Many containers at once: none is lost, all answer, and whoever asks after their monitors were killed is told the truth.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../helpers/registry.ts'
import { findOnPath } from '../helpers/tools.ts'
import { buildBase, Dock } from '../helpers/tsdock.ts'

const COUNT = process.env['TSRUN_TEST_LONG'] === '1' ? 50 : 12
/** Kilobytes of one monitor: the target is 1 MB. */
const MONITOR_LIMIT = 1024

const dock = new Dock()
const image = 'localhost/base'
const page = (port: number): Promise<string> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    (answer) => answer.text(),
    (e: unknown) => String(e),
  )

interface State {
  readonly monitorPid: number
  readonly status: string
}

const states = (): readonly State[] =>
  readdirSync(join(dock.storage, 'containers')).map(
    (id) => JSON.parse(readFileSync(join(dock.storage, 'containers', id, 'state.json'), 'utf8')) as State,
  )

const residentKilobytes = (pid: number): number =>
  Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.unreachable(`not within 10 s: ${what}`)
}

test(`${COUNT} containers at once`, async () => {
  const ports = await Promise.all(Array.from({ length: COUNT }, () => freePort()))
  try {
    const runs = await Promise.all(
      ports.map((port) =>
        dock.runAsync(
          ...['run', '-d', '-p', `127.0.0.1:${port}:80`, image],
          ...['sh', '-c', `mkdir /w; echo page ${port} > /w/index.html; exec httpd -f -p 80 -h /w`],
        ),
      ),
    )
    for (const { status, stdout, stderr } of runs) {
      assert.is(status, 0, stderr)
      assert.match(stdout, /^[0-9a-f]{64}\n$/)
    }
    assert.is(new Set(runs.map(({ stdout }) => stdout)).size, COUNT)
    for (const port of ports) {
      await until(`port ${port} answers`, async () => (await page(port)) === `page ${port}\n`)
    }
    assert.is(dock.must('ps', '-q').stdout.split('\n').length - 1, COUNT)
    for (const { monitorPid } of states()) {
      assert.ok(residentKilobytes(monitorPid) <= MONITOR_LIMIT, `${residentKilobytes(monitorPid)} kB`)
    }

    for (const { monitorPid } of states()) process.kill(monitorPid, 'SIGKILL')
    const [first = 0] = ports
    assert.is(await page(first), `page ${first}\n`, 'a container ended with its monitor')
    assert.is(dock.must('ps', '-q').stdout.split('\n').length - 1, COUNT, 'ps forgets what runs')

    // One ends by itself: nobody saw how, and ps says so.
    const [victim = ''] = runs.map(({ stdout }) => stdout.trim())
    process.kill(Number(dock.must('inspect', '-f', '{{.State.Pid}}', victim).stdout), 'SIGKILL')
    await until('ps notices', () => !dock.must('ps', '-q', '--no-trunc').stdout.includes(victim))
    assert.match(dock.must('ps', '-a', '-f', `id=${victim}`).stdout, /Exited \(255\)/)
    assert.match(dock.must('inspect', '-f', '{{.State.Error}}', victim).stdout, /its monitor was killed/)
    // It can be started again, as if nothing had happened.
    dock.must('start', victim)
    await until('it answers again', async () => (await page(first)) === `page ${first}\n`)
    const [second = ''] = runs.slice(1).map(({ stdout }) => stdout.trim())
    dock.must('stop', '-t', '1', second)
    assert.match(dock.must('ps', '-a', '-f', `id=${second}`).stdout, /Exited \(/)
  } finally {
    const ids = dock
      .run('ps', '-aq')
      .stdout.split('\n')
      .filter((id) => id !== '')
    if (ids.length > 0) dock.must('rm', '-f', ...ids)
    // With the bridge, and its rules.
    dock.must('system', 'prune', '-f')
  }
  assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), dock.storage, 'mounts are left')
})

const reason =
  process.getuid?.() !== 0
    ? 'needs root'
    : findOnPath('iptables') === undefined
      ? 'iptables is missing'
      : readdirSync('/usr/lib').includes('cni')
        ? undefined
        : 'the plugins of CNI are missing'
if (reason !== undefined) process.stdout.write(`SKIP many containers: ${reason}\n`)
else {
  buildBase(dock)
  test.run()
}
