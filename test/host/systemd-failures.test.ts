// SPDX-License-Identifier: Apache-2.0
// The systemd cgroup driver: what it refuses, what it leaves alone, and what is left after failures.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { mustSucceed } from '../helpers/container.ts'
import { isRootless, needsCgroup2, needsRoot } from '../helpers/host.ts'
import { withUserNamespace } from '../helpers/rootless.ts'
import { callRuntime, type Outcome, startRuntime, until } from '../helpers/runtime.ts'
import { assertFailure, type Failure } from '../helpers/suite.ts'
import {
  dirOf,
  limited,
  needsTsrun,
  newSystemdContainer,
  sleeper,
  systemctl,
  systemdSuite,
  unitState,
  unitValues,
  userWithManager,
  withRunningUnit,
} from '../helpers/systemd.ts'
import { mark, newPath, stateRoot } from '../helpers/work-dir.ts'

const { test, run } = systemdSuite('systemd-failures')

const mknod: Json = Object.fromEntries(
  ['bounding', 'effective', 'permitted'].map((name) => [name, ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']]),
)

/** Fails to create, and leaves nothing. */
async function expectFailure(patch: Json, failure: Failure): Promise<void> {
  const container = newSystemdContainer(patch)
  const outcome = container.create()
  assertFailure(outcome, failure)
  assert.is(unitState(container.unit), 'inactive')
  assert.is(existsSync(join(stateRoot, container.id)), false)
}

test('what cannot be a unit is refused by name', async () => {
  const refuse = (cgroupsPath: string, tsrun: RegExp, text?: RegExp): Promise<void> =>
    expectFailure(sleeper({ linux: { cgroupsPath } }), { tsrun, ...(text && { text }) })
  const format = /expected cgroupsPath to be of format/
  await refuse('/some/where', format, format)
  await refuse('only:two', format, format)
  await refuse('a--b.slice:x:y', /linux\.cgroupsPath \(.*a--b\.slice\W+ is not the name of a slice/)
  await refuse('noslice:x:y', /noslice\W+ is not the name of a slice/)
})

test('annotations that cannot be read are refused by name', async () => {
  const annotate = (name: string, value: string): Json =>
    sleeper({ annotations: { [`org.systemd.property.${name}`]: value } })
  await expectFailure(annotate('TimeoutStopUSec', 'uint64 -5'), {
    tsrun: /org\.systemd\.property\.TimeoutStopUSec.*does not fit/,
  })
  await expectFailure(annotate('CollectMode', 'inactive'), { tsrun: /CollectMode.*in quotes/ })
  await expectFailure(annotate('X-Y', '1'), { tsrun: /X-Y\W+ is not the name of a property/ })
  await expectFailure(annotate('NoSuchProperty', '1'), {
    tsrun: /linux\.cgroupsPath.*systemd: start of .*NoSuchProperty/,
  })
})

test(
  'a limit that the kernel refuses leaves no unit',
  () => expectFailure(limited({ unified: { 'memory.high': 'plenty' } }), { tsrun: /unified.*memory\.high.*EINVAL/ }),
  { needs: [needsCgroup2] },
)

test('a unit that is there already stays as it is', async () => {
  const container = newSystemdContainer(sleeper())
  const { unit } = container
  const user = isRootless ? ['--user'] : []
  const started = spawnSync(
    'sh',
    [
      '-c',
      'systemd-run "$@" sleep 1000 >/dev/null 2>&1 </dev/null & echo started',
      'sh',
      ...user,
      '--scope',
      `--unit=${unit}`,
    ],
    { encoding: 'utf8' },
  )
  assert.is(started.stdout, 'started\n')
  await until('the other unit runs', () => unitState(unit) === 'active')
  try {
    assertFailure(container.create(), { tsrun: /already exists|is not empty/ })
    assert.is(unitState(unit), 'active')
    assert.is(existsSync(join(stateRoot, container.id)), false)
  } finally {
    systemctl('stop', unit)
  }
})

test(
  'a slice that is there already stays as it is',
  async () => {
    const unit = `${mark.replace(/[^a-z0-9]/g, '')}there.slice`
    systemctl('start', unit)
    try {
      const container = newSystemdContainer({ ...sleeper(), linux: { cgroupsPath: `:test:${unit}` } }, unit)
      assertFailure(container.create(), { tsrun: new RegExp(`unit ${unit} already exists \\(it is active\\)`) })
      assert.is(unitState(unit), 'active')
    } finally {
      systemctl('stop', unit)
    }
  },
  { needs: [needsTsrun] },
)

test(
  'a scope that failed for want of memory is gone after delete, and its name is free',
  async () => {
    const patch = withArgs(['sh', '-c', 'tail /dev/zero; sleep 1000'], {
      linux: { resources: { memory: { limit: 16 << 20, swap: 16 << 20 } } },
    })
    const container = newSystemdContainer(patch)
    for (let round = 0; round < 2; round++) {
      mustSucceed(container.create())
      mustSucceed(container.start())
      await until('the kernel has killed', () => {
        const events = join(dirOf(container), 'memory.events')
        return !existsSync(events) || /oom_kill [1-9]/.test(readFileSync(events, 'utf8'))
      })
      mustSucceed(container.delete(['--force']))
      await until('the unit is gone', () => unitState(container.unit) === 'inactive')
    }
  },
  { needs: [needsCgroup2] },
)

test(
  'device rules hold after a daemon-reload',
  () => {
    const devices = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
    ]
    return withRunningUnit(
      sleeper({ linux: { resources: { devices } }, process: { capabilities: mknod } }),
      (container) => {
        for (const reload of [false, true]) {
          if (reload) systemctl('daemon-reload')
          assert.is(
            mustSucceed(container.exec(['sh', '-c', 'echo x >/dev/null; head -c1 /dev/zero | wc -c'])).stdout,
            '1\n',
          )
          const denied = container.exec(['sh', '-c', 'mknod /dev/kmsg2 c 1 11; cat /dev/kmsg2 2>&1'])
          assert.match(denied.stdout, /not permitted|denied/i, `reload ${reload}: ${denied.stdout}${denied.stderr}`)
        }
        assert.is(unitValues(container.unit, 'DevicePolicy')[0], 'strict')
      },
    )
  },
  { needs: [needsRoot] },
)
test(
  '--cgroup-manager systemd is the same',
  () => {
    const container = newSystemdContainer(withArgs(['cat', '/proc/self/cgroup']))
    const args = ['run', '--bundle', container.bundle, container.id]
    const { stdout } = mustSucceed(callRuntime(args, { globals: ['--cgroup-manager', 'systemd'] }))
    assert.ok(stdout.includes(container.unit), stdout)
  },
  { needs: [needsTsrun] },
)

test(
  'a user whose process is not below its service manager has a container, and execs into it',
  () => {
    const user = userWithManager()
    assert.ok(user)
    const home = `/run/user/${user.uid}`
    const container = newSystemdContainer(sleeper())
    const config = JSON.parse(readFileSync(join(container.bundle, 'config.json'), 'utf8')) as Json
    const { linux, ...rest } = withUserNamespace(config, user) as { linux: Json }
    const cgroupsPath = `user.slice:test:${container.id}`
    const text = JSON.stringify({ ...rest, linux: { ...linux, cgroupsPath } })
    writeFileSync(join(container.bundle, 'config.json'), text)
    const as = (...args: readonly string[]): Outcome =>
      callRuntime(args, {
        root: `${home}/${mark}`,
        globals: ['--systemd-cgroup'],
        wrapper: ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'],
        env: { XDG_RUNTIME_DIR: home, DBUS_SESSION_BUS_ADDRESS: undefined },
      })
    try {
      mustSucceed(as('create', '--bundle', container.bundle, container.id))
      mustSucceed(as('start', container.id))
      const inside = mustSucceed(as('exec', container.id, 'cat', '/proc/self/cgroup')).stdout
      assert.match(inside, new RegExp(`/user@${user.uid}\\.service/user\\.slice/${container.unit}$`, 'm'))
      mustSucceed(as('update', '--pids-limit', '30', container.id))
      mustSucceed(as('pause', container.id))
      mustSucceed(as('resume', container.id))
    } finally {
      mustSucceed(as('delete', '--force', container.id))
      rmSync(`${home}/${mark}`, { recursive: true, force: true })
    }
  },
  {
    needs: [
      needsRoot,
      needsCgroup2,
      () => (userWithManager() === undefined ? 'no user has a systemd of its own' : undefined),
    ],
    differsFrom: { 'runc<1.4': 'cannot exec from there', crun: 'cannot exec from there' },
  },
)

test(
  'a front that is killed while a hook runs leaves no unit',
  async () => {
    const flag = newPath('hook-runs')
    const hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `touch ${flag}; sleep 1000`] }] }
    const container = newSystemdContainer({ ...sleeper(), hooks })
    const call = startRuntime(['create', '--bundle', container.bundle, container.id], { globals: ['--systemd-cgroup'] })
    await until('the hook runs', () => existsSync(flag))
    assert.is(unitState(container.unit), 'active')
    call.child.kill('SIGKILL')
    await until('the unit is gone', () => unitState(container.unit) === 'inactive')
    await until('the state is gone', () => !existsSync(join(stateRoot, container.id)))
  },
  { needs: [needsTsrun] },
)

test(
  'a container whose state directory is lost is found by its cgroup, and its unit ends',
  async () => {
    await withRunningUnit(sleeper(), async (container) => {
      rmSync(join(stateRoot, container.id), { recursive: true })
      const found = mustSucceed(callRuntime(['list', '--orphans', '-q'])).stdout
      assert.is(found, `${container.id}\n`)
      mustSucceed(container.delete(['--force']))
      await until('the unit ends', () => unitState(container.unit) === 'inactive')
      assert.is(mustSucceed(callRuntime(['list', '--orphans', '-q'])).stdout, '')
    })
  },
  { needs: [needsTsrun] },
)

run()
