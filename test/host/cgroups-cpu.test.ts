// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { withArgs } from '../helpers/bundle.ts'
import {
  attemptsIn,
  cgroupFile,
  expectFiles,
  needsCgroupFile,
  needsRealtime,
  RT_RUNTIME,
} from '../helpers/cgroup-files.ts'
import { mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { needsCgroup1, needsCgroup2, needsController } from '../helpers/host.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups cpu')

test(
  'cpu.shares, quota and period, v1',
  () =>
    expectFiles({ cpu: { shares: 512, quota: 20000, period: 50000 } }, 'cpu', {
      'cpu.shares': '512',
      'cpu.cfs_quota_us': '20000',
      'cpu.cfs_period_us': '50000',
    }),
  { needs: [needsCgroup1, needsController('cpu')] },
)

test(
  'cpu.quota and period, v2',
  () => expectFiles({ cpu: { quota: 20000, period: 50000 } }, 'cpu', { 'cpu.max': '20000 50000' }),
  { needs: [needsCgroup2, needsController('cpu')] },
)

test(
  'cpu.shares 1024, v2: the weight is in range',
  async () => {
    await withContainer(withArgs(['true'], { linux: { resources: { cpu: { shares: 1024 } } } }), (container) => {
      mustSucceed(container.create())
      const weight = Number(cgroupFile(container, 'cpu', 'cpu.weight'))
      assert.ok(weight === 100 || weight === 39, `${weight}`) // quadratic and linear conversion
    })
  },
  { needs: [needsCgroup2, needsController('cpu')] },
)

test(
  'cpu.quota holds',
  async () => {
    const [seen] = await attemptsIn('burn 300', { cpu: { quota: 10000, period: 100000 } })
    assert.ok((seen?.ret ?? 300) < 120, `${seen?.ret} ms of CPU in 300 ms`)
  },
  { needs: [needsController('cpu')] },
)

test(
  'cpu.burst, v1',
  () => expectFiles({ cpu: { quota: 20000, period: 50000, burst: 10000 } }, 'cpu', { 'cpu.cfs_burst_us': '10000' }),
  { needs: [needsCgroup1, needsCgroupFile('cpu', 'cpu.cfs_burst_us')], differsFrom: { 'runc<1.3': 'has no burst' } },
)

test('cpu.idle, v1', () => expectFiles({ cpu: { idle: 1 } }, 'cpu', { 'cpu.idle': '1' }), {
  needs: [needsCgroup1, needsCgroupFile('cpu', 'cpu.idle')],
  differsFrom: {
    runc: 'has no idle before 1.3, and gives an idle process little time to end',
    crun: 'gives an idle process little time to end',
  },
})

test(
  'cpu.burst and cpu.idle, v2',
  async () => {
    await expectFiles({ cpu: { quota: 20000, period: 50000, burst: 10000 } }, 'cpu', { 'cpu.max.burst': '10000' })
    await expectFiles({ cpu: { idle: 1 } }, 'cpu', { 'cpu.idle': '1' })
  },
  { needs: [needsCgroup2, needsController('cpu')] },
)

test(
  'cpu.realtimeRuntime and realtimePeriod, v1',
  () =>
    expectFiles({ cpu: { realtimeRuntime: 1000, realtimePeriod: 500000 } }, 'cpu', {
      'cpu.rt_runtime_us': '1000',
      'cpu.rt_period_us': '500000',
    }),
  { needs: [needsCgroup1, needsCgroupFile('cpu', RT_RUNTIME), needsRealtime] },
)

test(
  'cpu.realtimeRuntime is refused by name, v2',
  async () => {
    await withContainer({ linux: { resources: { cpu: { realtimeRuntime: 1000 } } } }, (container) => {
      assertFailure(container.create(), { tsrun: /linux\.resources\.cpu\.realtimeRuntime: .*v2/ })
    })
  },
  { needs: [needsCgroup2] },
)

test(
  'cpu.cpus and cpu.mems',
  () => expectFiles({ cpu: { cpus: '0', mems: '0' } }, 'cpuset', { 'cpuset.cpus': '0', 'cpuset.mems': '0' }),
  { needs: [needsController('cpuset')] },
)

test(
  'cpu.cpus holds',
  async () => {
    const config = withArgs(['probe', 'report'], { linux: { resources: { cpu: { cpus: '0' } } } })
    const report = JSON.parse(mustSucceed(await runOnce(config)).stdout) as { cpuCount: number }
    assert.is(report.cpuCount, 1)
  },
  { needs: [needsController('cpuset')] },
)

test('a limit that the kernel refuses is refused with file and value', () => {
  assertRefused({ linux: { resources: { cpu: { cpus: '4000' } } } }, { tsrun: /linux\.resources\.cpu.*4000|cpuset/ })
  assertRefused(
    { linux: { resources: { cpu: { quota: 5, period: 100000 } } } },
    { tsrun: /linux\.resources\.cpu.*EINVAL/ },
  )
})

run()
