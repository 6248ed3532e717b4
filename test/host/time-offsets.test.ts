// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce, withRunning } from '../helpers/container.ts'
import { needsFile } from '../helpers/host.ts'
import type { Report } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('time offsets')

const links: Readonly<Record<string, string>> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
}

function own(type: string): string {
  return readlinkSync(`/proc/self/ns/${links[type]}`)
}

test(
  'a new time namespace takes the offsets',
  async () => {
    const report = await inspect({
      linux: {
        namespaces: [...defaultNamespaces, { type: 'time' }],
        timeOffsets: { monotonic: { secs: 1000, nanosecs: 5 }, boottime: { secs: 2000 } },
      },
    })
    assert.is.not(report.namespaces?.['time'], own('time'))
    const offsets = (report.timeOffsets ?? []).map((line) => line.trim().split(/\s+/))
    assert.equal(offsets, [
      ['monotonic', '1000', '5'],
      ['boottime', '2000', '0'],
    ])
  },
  { needs: [needsFile('/proc/self/ns/time')], differsFrom: { 'runc<1.3': 'has no time namespace' } },
)

test(
  'a new time namespace takes the offsets in a new user namespace, and in one that is joined',
  async () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const linux = { timeOffsets: { boottime: { secs: 3000 } } }
    const withTime = (...more: readonly Json[]): readonly Json[] => [...defaultNamespaces, { type: 'time' }, ...more]
    const inside = { namespaces: withTime({ type: 'user' }), uidMappings: mappings, gidMappings: mappings }
    await withRunning({ ...withArgs(['sleep', '60']), linux: { ...linux, ...inside } }, async (first) => {
      const user = { type: 'user', path: `/proc/${first.pid()}/ns/user` }
      for (const report of [
        JSON.parse(mustSucceed(first.exec(['probe', 'report'])).stdout) as Report,
        await inspect({ linux: { ...linux, namespaces: withTime(user) } }),
      ]) {
        assert.is(report.namespaces?.['user'], readlinkSync(user.path))
        assert.is.not(report.namespaces?.['time'], own('time'))
        assert.ok(
          report.timeOffsets?.some((line) => /boottime\s+3000\s+0/.test(line)),
          report.timeOffsets?.join(),
        )
      }
    })
  },
  {
    needs: [needsFile('/proc/self/ns/time')],
    differsFrom: { 'runc<1.3': 'has no time namespace', crun: 'may not write its offsets then' },
  },
)

test(
  'the clocks run with the offsets',
  async () => {
    const linux = {
      namespaces: [...defaultNamespaces, { type: 'time' }],
      timeOffsets: { boottime: { secs: 1000000, nanosecs: 500000000 }, monotonic: { secs: 0, nanosecs: 0 } },
    }
    const outcome = mustSucceed(await runOnce(withArgs(['cat', '/proc/uptime'], { linux })))
    const here = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
    const ahead = Number(outcome.stdout.split(' ')[0]) - here
    assert.ok(ahead > 999000 && ahead < 1000060, String(ahead))
  },
  { needs: [needsFile('/proc/self/ns/time')], differsFrom: { 'runc<1.3': 'has no time namespace' } },
)

test(
  'offsets without a new time namespace, of another clock, or of a second in nanoseconds are refused',
  () => {
    const namespaces = [...defaultNamespaces, { type: 'time' }]
    const boottime = { secs: 5 }
    assertRefused({ linux: { timeOffsets: { boottime } } }, { tsrun: /linux\.timeOffsets/ })
    assertRefused({ linux: { namespaces, timeOffsets: { realtime: boottime } } }, { tsrun: /timeOffsets\.realtime/ })
    assertRefused(
      { linux: { namespaces, timeOffsets: { boottime: { nanosecs: 1000000000 } } } },
      { tsrun: /timeOffsets\.boottime\.nanosecs/ },
    )
  },
  { differsFrom: { runc: 'checks less', crun: 'checks less' } },
)

run()
