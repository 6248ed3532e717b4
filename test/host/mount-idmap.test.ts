// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { withArgs, withMounts } from '../helpers/bundle.ts'
import { mustSucceed, newSource, runOnce } from '../helpers/container.ts'
import { parseAttempts } from '../helpers/report.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('mount idmap')

test(
  'an id-mapped bind mount shifts owners',
  async () => {
    const source = newSource({ file: 'x' })
    const mappings = [{ containerID: 0, hostID: 5000, size: 1000 }]
    const mount = {
      destination: '/home',
      source,
      options: ['bind', 'idmap'],
      uidMappings: mappings,
      gidMappings: mappings,
    }
    const outcome = await runOnce(withMounts([mount], withArgs(['probe', 'stat', '/home/file'])))
    assert.is(parseAttempts(mustSucceed(outcome).stdout)[0]?.['uid'], 5000)
  },
  { differsFrom: { 'runc<1.3': 'has no id-mapped mounts' } },
)

run()
