// SPDX-License-Identifier: Apache-2.0
// What is done while a container's processes are stopped, and that they go on afterwards.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { whileFrozen } from '../../runtime/lifecycle/while-frozen.ts'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withRunning } from '../helpers/container.ts'
import { needsCgroup1, needsController, needsRoot, readCgroupDir } from '../helpers/host.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('while frozen')
const needs = [needsRoot, needsCgroup1, needsController('freezer')]

test(
  'processes are stopped, and go on also when it fails',
  () =>
    withRunning(withArgs(['sleep', '60']), (container) => {
      const file = join(readCgroupDir(container.pid(), 'freezer') ?? '', 'freezer.state')
      const state = (): string => readFileSync(file, 'utf8').trim()
      assert.is(whileFrozen(file, state), 'FROZEN')
      assert.is(state(), 'THAWED')
      assert.throws(
        () =>
          whileFrozen(file, () => {
            throw new Error(state())
          }),
        'FROZEN',
      )
      assert.is(state(), 'THAWED')
      mustSucceed(container.call('pause'))
      assert.is(whileFrozen(file, state), 'FROZEN')
      assert.is(state(), 'FROZEN')
      mustSucceed(container.call('resume'))
    }),
  { needs },
)

test('where there is no freezer of v1, nothing is stopped', () => {
  for (const file of ['', '/sys/fs/cgroup/x/cgroup.freeze', '/no/such/freezer.state'])
    assert.is(
      whileFrozen(file, () => 7),
      7,
    )
})

run()
