// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import * as assert from 'uvu/assert'
import type { Json } from '../helpers/bundle.ts'
import { needsCgroupFile, needsRealtime, RT_RUNTIME } from '../helpers/cgroup-files.ts'
import { inspect, mustSucceed, runOnce, withRunning } from '../helpers/container.ts'
import { needsCapability, needsLsm } from '../helpers/host.ts'
import type { Report } from '../helpers/report.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('linux process')

function withProcess(process: Json): Json {
  return { process }
}

for (const value of [true, false]) {
  test(`noNewPrivileges ${value}`, async () => {
    assert.is((await inspect(withProcess({ noNewPrivileges: value }))).status['NoNewPrivs'], value ? '1' : '0')
  })
}

for (const value of [-1000, 0, 500, 1000]) {
  test(
    `oomScoreAdj ${value}`,
    async () => {
      assert.is((await inspect(withProcess({ oomScoreAdj: value }))).oomScoreAdj, String(value))
    },
    value < 0 ? { needs: [needsCapability('CAP_SYS_RESOURCE', 24)] } : {},
  )
}

test("without oomScoreAdj it is the caller's", async () => {
  const report = await inspect({}, { wrapper: ['sh', '-c', 'echo 77 >/proc/self/oom_score_adj; exec "$@"', 'sh'] })
  assert.is(report.oomScoreAdj, '77')
})

test('oomScoreAdj out of range is refused', () => {
  assertRefused(withProcess({ oomScoreAdj: 1001 }), { tsrun: /process\.oomScoreAdj/ })
})

test(
  'the scheduler',
  async () => {
    const { scheduler } = await inspect(withProcess({ scheduler: { policy: 'SCHED_BATCH', nice: 7 } }))
    assert.is(scheduler['policy'], 3)
    assert.is(scheduler['nice'], 7)
  },
  { differsFrom: { 'runc<1.3': 'has no scheduler' } },
)

const needsNice = needsCapability('CAP_SYS_NICE', 23)
const RESET_ON_FORK = 'SCHED_FLAG_RESET_ON_FORK'

for (const [policy, number, more] of [
  ['SCHED_OTHER', 0, { nice: -5 }],
  ['SCHED_BATCH', 3, { nice: 19 }],
  ['SCHED_IDLE', 5, {}],
] as const) {
  test(
    `scheduler.policy ${policy}`,
    async () => {
      const { scheduler } = await inspect(withProcess({ scheduler: { policy, flags: [RESET_ON_FORK], ...more } }))
      assert.is(scheduler['policy'], number)
      assert.is(scheduler['flags'], 1)
      assert.is(scheduler['nice'], 'nice' in more ? more.nice : 0)
    },
    { needs: policy === 'SCHED_OTHER' ? [needsNice] : [], differsFrom: { 'runc<1.3': 'has no scheduler' } },
  )
}

for (const [policy, number] of [
  ['SCHED_FIFO', 1],
  ['SCHED_RR', 2],
] as const) {
  test(
    `scheduler.policy ${policy}`,
    async () => {
      const resources = needsCgroupFile('cpu', RT_RUNTIME)() === undefined ? { cpu: { realtimeRuntime: 10000 } } : {}
      const patch = { ...withProcess({ scheduler: { policy, priority: 7 } }), linux: { resources } }
      const { scheduler } = await inspect(patch)
      assert.equal([scheduler['policy'], scheduler['priority']], [number, 7])
    },
    { needs: [needsNice, needsRealtime], differsFrom: { 'runc<1.3': 'has no scheduler' } },
  )
}

test(
  'scheduler.policy SCHED_DEADLINE',
  async () => {
    const times = { runtime: 1000000, deadline: 2000000, period: 4000000 }
    const { scheduler } = await inspect(
      withProcess({ scheduler: { policy: 'SCHED_DEADLINE', flags: ['SCHED_FLAG_RECLAIM'], ...times } }),
    )
    assert.is(scheduler['policy'], 6)
    for (const [name, value] of Object.entries(times)) assert.is(scheduler[name], value, name)
  },
  { needs: [needsNice], differsFrom: { 'runc<1.3': 'has no scheduler' } },
)

for (const flags of [['SCHED_FLAG_KEEP_POLICY', 'SCHED_FLAG_KEEP_PARAMS'], ['SCHED_FLAG_DL_OVERRUN']]) {
  test(
    `scheduler.flags ${flags.join(', ')}`,
    async () => {
      const keep = flags.includes('SCHED_FLAG_KEEP_POLICY')
      const times = { runtime: 1000000, deadline: 2000000, period: 4000000 }
      const scheduler = keep ? { policy: 'SCHED_BATCH', flags } : { policy: 'SCHED_DEADLINE', flags, ...times }
      const report = await inspect(withProcess({ scheduler }))
      assert.is(report.scheduler['policy'], keep ? 0 : 6)
    },
    {
      needs: flags.includes('SCHED_FLAG_DL_OVERRUN') ? [needsNice] : [],
      differsFrom: { 'runc<1.3': 'has no scheduler' },
    },
  )
}

test(
  'scheduler.flags SCHED_FLAG_UTIL_CLAMP_MIN, SCHED_FLAG_UTIL_CLAMP_MAX',
  async () => {
    const flags = ['SCHED_FLAG_UTIL_CLAMP_MIN', 'SCHED_FLAG_UTIL_CLAMP_MAX']
    const outcome = await runOnce(withProcess({ args: ['true'], scheduler: { policy: 'SCHED_OTHER', flags } }))
    // Not every kernel can; if it cannot, it says so of itself.
    if (outcome.status !== 0) assert.match(outcome.stderr, /process\.scheduler.*sched_setattr.*EOPNOTSUPP/)
  },
  { differsFrom: { runc: 'has words of its own', crun: 'has words of its own' } },
)

test(
  'scheduler: parameters of another policy are refused',
  () => {
    assertRefused(withProcess({ scheduler: { policy: 'SCHED_OTHER', priority: 3 } }), { tsrun: /scheduler\.priority/ })
    assertRefused(withProcess({ scheduler: { policy: 'SCHED_FIFO' } }), { tsrun: /scheduler\.priority/ })
    assertRefused(withProcess({ scheduler: { policy: 'SCHED_BATCH', runtime: 5000 } }), { tsrun: /scheduler\.runtime/ })
    assertRefused(withProcess({ scheduler: { policy: 'SCHED_ISO' } }), {
      tsrun: /process\.scheduler.*SCHED_ISO.*EINVAL/,
    })
  },
  { differsFrom: { runc: 'takes some of them', crun: 'takes some of them' } },
)

for (const [name, number, priority] of [
  ['IOPRIO_CLASS_RT', 1, 2],
  ['IOPRIO_CLASS_BE', 2, 6],
  ['IOPRIO_CLASS_IDLE', 3, 0],
] as const) {
  test(
    `ioPriority.class ${name}`,
    async () => {
      const report = await inspect(withProcess({ ioPriority: { class: name, priority } }))
      assert.equal([report.ioPriority >> 13, report.ioPriority & 7], [number, priority])
    },
    { needs: name === 'IOPRIO_CLASS_RT' ? [needsNice] : [], differsFrom: { 'runc<1.3': 'has no ioPriority' } },
  )
}

test(
  'execCPUAffinity: exec runs on these CPUs, the init on all',
  async () => {
    const execCPUAffinity = { initial: '0', final: '0' }
    await withRunning(withProcess({ args: ['sleep', '60'], execCPUAffinity }), (container) => {
      const report = JSON.parse(mustSucceed(container.exec(['probe', 'report'])).stdout) as Report
      assert.is(report.cpuCount, 1)
      assert.match(readFileSync(`/proc/${container.pid()}/status`, 'utf8'), /^Cpus_allowed_list:\t0-/m)
    })
  },
  {
    needs: [() => (availableParallelism() > 1 ? undefined : 'needs two CPUs')],
    differsFrom: { 'runc<1.3': 'has no execCPUAffinity' },
  },
)

test(
  'execCPUAffinity: a list that is none, and CPUs that are not there, are refused',
  async () => {
    assertRefused(withProcess({ execCPUAffinity: { initial: '3-1' } }), { tsrun: /process\.execCPUAffinity\.initial/ })
    await withRunning(withProcess({ args: ['sleep', '60'], execCPUAffinity: { final: '900' } }), (container) => {
      assertFailure(container.exec(['true']), {
        status: 255,
        tsrun: /execCPUAffinity\.final.*sched_setaffinity.*EINVAL/,
      })
    })
  },
  { differsFrom: { 'runc<1.3': 'has no execCPUAffinity' } },
)

test(
  'apparmorProfile',
  async () => {
    const report = await inspect(withProcess({ apparmorProfile: 'unconfined' }))
    assert.match(report.label ?? '', /unconfined/)
  },
  { needs: [needsLsm('apparmor')] },
)

test(
  'an apparmorProfile that is not loaded is refused',
  () => {
    assertRefused(withProcess({ apparmorProfile: 'no-such-profile' }), {
      tsrun: /process\.apparmorProfile.*no-such-profile/,
    })
  },
  { differsFrom: { 'runc<1.3': 'ignores it where AppArmor is off' } },
)

test(
  'a selinuxLabel where SELinux is off is refused',
  () => {
    assertRefused(withProcess({ selinuxLabel: 'system_u:system_r:x_t:s0' }), { tsrun: /process\.selinuxLabel/ })
  },
  { needs: [() => (needsLsm('selinux')() === undefined ? 'SELinux is active' : undefined)] },
)

run()
