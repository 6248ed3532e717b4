// SPDX-License-Identifier: Apache-2.0
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { inspect, mustSucceed, runOnce, withContainer } from '../helpers/container.ts'
import { needsCapability, needsLsm, readOwnCapabilities } from '../helpers/host.ts'
import { capabilities, capabilitySet, parseAttempts } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('process')

function withProcess(process: Json): Json {
  return { process }
}

test('user.uid and user.gid are all four ids', async () => {
  const report = await inspect(withProcess({ user: { uid: 1234, gid: 4321 } }))
  assert.is(report.status['Uid'], '1234\t1234\t1234\t1234')
  assert.is(report.status['Gid'], '4321\t4321\t4321\t4321')
  assert.equal(report.groups, [])
})

test('user.additionalGids', async () => {
  const report = await inspect(withProcess({ user: { uid: 5, gid: 5, additionalGids: [10, 3, 65536] } }))
  assert.equal(
    [...report.groups].sort((a, b) => a - b),
    [3, 10, 65536],
  )
})

for (const [umask, seen] of [
  [0o077, 0o077],
  [0, 0],
  [0o022, 0o022],
] as const) {
  test(`user.umask ${umask.toString(8)}`, async () => {
    assert.is((await inspect(withProcess({ user: { uid: 0, gid: 0, umask } }))).umask, seen)
  })
}

test('without user.umask it is 0022', async () => {
  assert.is((await inspect()).umask, 0o022)
})

test('ids beyond 2^32 - 2 and negative ids are refused', () => {
  for (const uid of [4294967295, 4294967296, -1, 1.5, '0']) {
    assertRefused(withProcess({ user: { uid, gid: 0 } }), { tsrun: /process\.user\.uid/ })
  }
})

test('the five capability sets', async () => {
  const { status } = await inspect(
    withProcess({
      capabilities: {
        bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SYS_ADMIN'],
        permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID'],
        effective: ['CAP_CHOWN', 'CAP_KILL'],
        inheritable: ['CAP_CHOWN', 'CAP_SETUID'],
        ambient: ['CAP_CHOWN'],
      },
      noNewPrivileges: false,
      user: { uid: 1000, gid: 1000 },
    }),
  )
  assert.equal(capabilitySet(status['CapBnd']), ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SYS_ADMIN'])
  // execve of a file without capabilities by a user other than root leaves the ambient ones.
  assert.equal(capabilitySet(status['CapInh']), ['CAP_CHOWN', 'CAP_SETUID'])
  assert.equal(capabilitySet(status['CapAmb']), ['CAP_CHOWN'])
  assert.equal(capabilitySet(status['CapPrm']), ['CAP_CHOWN'])
  assert.equal(capabilitySet(status['CapEff']), ['CAP_CHOWN'])
})

test('root gets what is bounding and inheritable', async () => {
  const { status } = await inspect()
  const expected = ['CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_AUDIT_WRITE']
  assert.equal(capabilitySet(status['CapBnd']), expected)
  assert.equal(capabilitySet(status['CapPrm']), expected)
  assert.equal(capabilitySet(status['CapEff']), expected)
  assert.equal(capabilitySet(status['CapInh']), [])
  assert.equal(capabilitySet(status['CapAmb']), [])
})

test(
  'no capabilities at all',
  async () => {
    const { status } = await inspect(withProcess({ capabilities: undefined }))
    assert.equal(capabilitySet(status['CapEff']), [])
    assert.equal(capabilitySet(status['CapBnd']), [])
  },
  { differsFrom: { 'runc>=1.3': 'keeps all of the caller when the config has no capabilities' } },
)

test('all capabilities that the caller has', async () => {
  const own = capabilitySet(readOwnCapabilities().toString(16))
  const { status } = await inspect(withProcess({ capabilities: { bounding: own, effective: own, permitted: own } }))
  assert.equal(capabilitySet(status['CapEff']), own)
})

test(
  'a capability that cannot be granted is a warning, not an error',
  async () => {
    const all = { bounding: capabilities, effective: capabilities, permitted: capabilities }
    const { status } = await inspect(withProcess({ capabilities: all }))
    assert.equal(capabilitySet(status['CapEff']), capabilitySet(readOwnCapabilities().toString(16)))
  },
  { differsFrom: { runc: 'fails; the specification says it must be logged as a warning' } },
)

test('an unknown capability is a warning, not an error', async () => {
  const outcome = await runOnce(
    withProcess({
      args: ['true'],
      capabilities: { bounding: ['CAP_NO_SUCH', 'CAP_KILL'], effective: ['CAP_NO_SUCH'] },
    }),
  )
  mustSucceed(outcome)
  assert.match(outcome.stderr, /level=warning.*CAP_NO_SUCH/)
})

test('rlimits', async () => {
  const { rlimits } = await inspect(
    withProcess({
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 300, hard: 400 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_NPROC', soft: 100, hard: 200 },
        { type: 'RLIMIT_FSIZE', soft: 1073741824, hard: 4294967296 },
        { type: 'RLIMIT_STACK', soft: 4194304, hard: 4194304 },
        { type: 'RLIMIT_CPU', soft: 1000, hard: 1000 },
      ],
    }),
  )
  assert.equal(rlimits['RLIMIT_NOFILE'], ['300', '400'])
  assert.equal(rlimits['RLIMIT_CORE'], ['0', '0'])
  assert.equal(rlimits['RLIMIT_NPROC'], ['100', '200'])
  assert.equal(rlimits['RLIMIT_FSIZE'], ['1073741824', '4294967296'])
  assert.equal(rlimits['RLIMIT_STACK'], ['4194304', '4194304'])
  assert.equal(rlimits['RLIMIT_CPU'], ['1000', '1000'])
})

test('an rlimit of 2^64 - 1 is unlimited', async () => {
  const text = JSON.stringify({ type: 'RLIMIT_CORE', soft: 0, hard: 0 }).replaceAll(':0', ':18446744073709551615')
  // JavaScript has no such number, so the text is put in place of a word.
  await withContainer(withProcess({ rlimits: ['HERE'] }), (container) => {
    const path = `${container.bundle}/config.json`
    writeFileSync(path, readFileSync(path, 'utf8').replace('"HERE"', text))
    const report = JSON.parse(mustSucceed(container.run()).stdout) as { rlimits: Record<string, readonly string[]> }
    assert.equal(report.rlimits['RLIMIT_CORE'], ['18446744073709551615', '18446744073709551615'])
  })
})

test('an unknown rlimit, one given twice, and soft above hard are refused', () => {
  assertRefused(withProcess({ rlimits: [{ type: 'RLIMIT_NOSUCH', soft: 1, hard: 1 }] }), {
    tsrun: /rlimits.*RLIMIT_NOSUCH/,
  })
  assertRefused(withProcess({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 5, hard: 4 }] }), { tsrun: /rlimits/ })
})

test(
  'an rlimit given twice is refused',
  () => {
    const rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 10, hard: 10 },
      { type: 'RLIMIT_NOFILE', soft: 20, hard: 20 },
    ]
    assertRefused(withProcess({ rlimits }), { tsrun: /rlimits.*RLIMIT_NOFILE/ })
  },
  { differsFrom: { 'runc<1.3': 'takes the last one; the specification says an error must be generated' } },
)

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

test('process is required at create', () => {
  assertRefused({ process: undefined }, { tsrun: /process/ })
})

test('a cwd that only root can enter works for another user', async () => {
  const rootfs = makeRootfs()
  chmodSync(join(rootfs, 'root'), 0o700)
  const user = { uid: 1000, gid: 1000 }
  const args = ['probe', 'getpid']
  mustSucceed(await runOnce({ root: { path: rootfs }, process: { args, cwd: '/root', user, capabilities: undefined } }))
})

test('args must not be empty, cwd must be absolute', () => {
  assertRefused(withProcess({ args: [] }), { tsrun: /process\.args/ })
  assertRefused(withProcess({ cwd: 'tmp' }), { tsrun: /process\.cwd/ })
  assertRefused(withProcess({ cwd: '' }), { tsrun: /process\.cwd/ })
})

test(
  'the environment must have the form NAME=value',
  () => {
    assertRefused(withProcess({ env: ['NOVALUE'] }), { tsrun: /process\.env/ })
  },
  { differsFrom: { 'runc<1.3': 'passes it on' } },
)

test('dumpable after execve as any process', async () => {
  assert.is((await inspect()).dumpable, 1)
})

test('a program that its user may not run', async () => {
  const outcome = await runOnce(withArgs(['/etc/passwd']))
  assert.is(outcome.status, 1)
  assert.match(outcome.stderr, /permission denied/)
})

test('capabilities decide', async () => {
  const attempt = async (names: readonly string[]): Promise<string | undefined> => {
    const sets = { bounding: names, effective: names, permitted: names }
    const outcome = await runOnce(withArgs(['probe', 'chroot', '/'], { process: { capabilities: sets } }))
    return parseAttempts(mustSucceed(outcome).stdout)[0]?.errno
  }
  assert.is(await attempt(['CAP_SYS_CHROOT']), '')
  assert.is(await attempt(['CAP_KILL']), 'EPERM')
})

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
