// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import { attemptsIn, expectFiles } from '../helpers/cgroup-files.ts'
import { mustSucceed, withContainer } from '../helpers/container.ts'
import { needsController } from '../helpers/host.ts'
import { parseAttempts } from '../helpers/report.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups pids')

test('pids.limit', () => expectFiles({ pids: { limit: 17 } }, 'pids', { 'pids.max': '17' }), {
  needs: [needsController('pids')],
})

test('pids.limit -1 is no limit', () => expectFiles({ pids: { limit: -1 } }, 'pids', { 'pids.max': 'max' }), {
  needs: [needsController('pids')],
})

test(
  'pids.limit 0 is a limit: nothing can be started',
  async () => {
    const [seen] = await attemptsIn('forks 5', { pids: { limit: 0 } })
    assert.is(seen?.ret, 0)
  },
  {
    needs: [needsController('pids')],
    differsFrom: { 'runc<1.4': 'takes it for no limit', crun: 'takes it for no limit' },
  },
)

test(
  'pids.limit holds',
  async () => {
    const [seen] = await attemptsIn('forks 50', { pids: { limit: 10 } })
    assert.is(seen?.ret, 9)
  },
  { needs: [needsController('pids')] },
)

test(
  'limits hold for exec as well',
  async () => {
    await withContainer(withArgs(['sleep', '60'], { linux: { resources: { pids: { limit: 40 } } } }), (container) => {
      mustSucceed(container.create())
      mustSucceed(container.start())
      const outcome = container.exec(['probe', 'forks', '80'])
      const made = parseAttempts(outcome.stdout)[0]?.ret ?? 80
      assert.ok(made <= 39, `${made}`)
    })
  },
  { needs: [needsController('pids')] },
)

run()
