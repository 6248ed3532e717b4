// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces } from '../helpers/bundle.ts'
import { inspect } from '../helpers/container.ts'
import { needsFile } from '../helpers/host.ts'
import { hostSuite } from '../helpers/suite.ts'

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

run()
