// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { inspect } from '../helpers/container.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('personality')

test(
  'LINUX is what a process has anyway, and no flag is known',
  async () => {
    const { personality } = await inspect({ linux: { personality: { domain: 'LINUX', flags: [] } } })
    assert.is(personality, 0)
    assertRefused({ linux: { personality: { domain: 'LINUX', flags: ['X'] } } }, { tsrun: /personality\.flags/ })
  },
  { differsFrom: { runc: 'warns of flags and ignores them', crun: 'ignores flags' } },
)

test(
  'LINUX32 shows another machine',
  async () => {
    const report = await inspect({ linux: { personality: { domain: 'LINUX32' } } })
    assert.is(report.personality, 8)
    assert.is.not(report.machine, 'x86_64')
  },
  { differsFrom: { 'runc<1.3': 'has no personality' } },
)

run()
