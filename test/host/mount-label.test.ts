// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { withArgs, withMounts } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce } from '../helpers/container.ts'
import { needsLsm } from '../helpers/host.ts'
import { findMount } from '../helpers/report.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('mount label')

const mountLabel = 'system_u:object_r:container_file_t:s0'
const tmpfs = { destination: '/home', type: 'tmpfs', source: 'tmpfs' }

test(
  'new file systems have the label',
  async () => {
    const report = await inspect(withMounts([tmpfs], { linux: { mountLabel } }))
    assert.ok(findMount(report, '/home')?.superOptions.join().includes(mountLabel))
  },
  { needs: [needsLsm('selinux')] },
)

test(
  'without SELinux it is told to be without effect',
  async () => {
    const outcome = mustSucceed(await runOnce(withMounts([tmpfs], withArgs(['true'], { linux: { mountLabel } }))))
    if (isTsrun) assert.match(outcome.stderr, /level=warning.*linux\.mountLabel: without effect/)
  },
  {
    needs: [() => (needsLsm('selinux')() === undefined ? 'SELinux is active' : undefined)],
    differsFrom: { runc: 'passes it to file systems, which refuse it', crun: 'passes it to file systems' },
  },
)

run()
