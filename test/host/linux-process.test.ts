// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import type { Json } from '../helpers/bundle.ts'
import { inspect } from '../helpers/container.ts'
import { needsCapability, needsLsm } from '../helpers/host.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

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

test(
  'the I/O priority',
  async () => {
    const report = await inspect(withProcess({ ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } }))
    assert.is(report.ioPriority >> 13, 3)
  },
  { differsFrom: { 'runc<1.3': 'has no ioPriority' } },
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
