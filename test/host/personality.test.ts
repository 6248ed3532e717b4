// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { inspect } from '../helpers/container.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('personality')

test(
  'personality',
  async () => {
    const report = await inspect({ linux: { personality: { domain: 'LINUX32' } } })
    assert.is(report.personality, 8)
    assert.is.not(report.machine, 'x86_64')
  },
  { differsFrom: { 'runc<1.3': 'has no personality' } },
)

run()
