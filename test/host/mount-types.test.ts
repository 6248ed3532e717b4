// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { cgroupMount, defaultNamespaces, makeRootfs, withArgs, withMounts } from '../helpers/bundle.ts'
import { inspect, mustSucceed, newSource, runOnce } from '../helpers/container.ts'
import { cgroupVersion, needsCgroup1, needsFilesystem } from '../helpers/host.ts'
import { findMount, parseAttempts } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('mount types')

test('tmpcopyup copies what was there', async () => {
  const rootfs = makeRootfs()
  writeFileSync(join(rootfs, 'home/file'), 'copied')
  mkdirSync(join(rootfs, 'home/dir'))
  symlinkSync('file', join(rootfs, 'home/link'))
  const outcome = mustSucceed(
    await runOnce(
      withMounts(
        [{ destination: '/home', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }],
        withArgs(['sh', '-c', 'cat /home/link; test -d /home/dir; echo more >/home/file'], { root: { path: rootfs } }),
      ),
    ),
  )
  assert.is(outcome.stdout, 'copied')
  assert.is(readFileSync(join(rootfs, 'home/file'), 'utf8'), 'copied')
})

test('proc, sysfs, devpts, mqueue and tmpfs of the default config', async () => {
  const report = await inspect()
  assert.is(findMount(report, '/proc')?.type, 'proc')
  assert.is(findMount(report, '/sys')?.type, 'sysfs')
  assert.ok(findMount(report, '/sys')?.options.includes('ro'))
  assert.is(findMount(report, '/dev/pts')?.type, 'devpts')
  assert.ok(findMount(report, '/dev/pts')?.superOptions.includes('mode=620'))
  assert.is(findMount(report, '/dev/mqueue')?.type, 'mqueue')
  assert.is(findMount(report, '/dev/shm')?.type, 'tmpfs')
  assert.is(findMount(report, '/dev')?.type, 'tmpfs')
})

test('a cgroup mount shows the container its own groups, read-only', async () => {
  const report = await inspect(withMounts([cgroupMount]))
  if (cgroupVersion === 2) {
    assert.is(findMount(report, '/sys/fs/cgroup')?.type, 'cgroup2')
    assert.ok(findMount(report, '/sys/fs/cgroup')?.options.includes('ro'))
    return
  }
  const mount = findMount(report, '/sys/fs/cgroup/pids')
  assert.is(mount?.type, 'cgroup')
  assert.match(mount?.root ?? '', /tsrt/)
  assert.ok(mount?.options.includes('ro'))
  const attempts = parseAttempts(
    mustSucceed(await runOnce(withMounts([cgroupMount], withArgs(['probe', 'mkdir', '/sys/fs/cgroup/pids/x'])))).stdout,
  )
  assert.is(attempts[0]?.errno, 'EROFS')
})

test(
  'a cgroup mount in a new cgroup namespace',
  async () => {
    const report = await inspect(
      withMounts([cgroupMount], { linux: { namespaces: [...defaultNamespaces, { type: 'cgroup' }] } }),
    )
    assert.is(findMount(report, '/sys/fs/cgroup/pids')?.root, '/')
  },
  { needs: [needsCgroup1] },
)

test(
  'overlay',
  async () => {
    const [lower, upper, work] = [newSource({ low: 'lower' }), newSource(), newSource()]
    const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`]
    const outcome = mustSucceed(
      await runOnce(
        withMounts(
          [{ destination: '/home', type: 'overlay', source: 'overlay', options }],
          withArgs(['sh', '-c', 'cat /home/low; echo up >/home/new']),
        ),
      ),
    )
    assert.is(outcome.stdout, 'lower')
    assert.ok(existsSync(join(upper, 'new')))
  },
  { needs: [needsFilesystem('overlay')] },
)

test('unknown file system data is refused by name', () => {
  assertRefused(withMounts([{ destination: '/home', type: 'tmpfs', source: 'tmpfs', options: ['nosuchoption'] }]), {
    tsrun: /mounts\[6\] \(\/home\).*nosuchoption/,
  })
})

test('an unknown file system type is refused by name', () => {
  assertRefused(withMounts([{ destination: '/home', type: 'nosuchfs', source: 'x' }]), {
    text: /no such device/,
    tsrun: /mounts\[6\] \(\/home\).*nosuchfs.*ENODEV/,
  })
})

run()
