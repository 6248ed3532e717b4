// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { defaultMounts, type Json, makeRootfs, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, runOnce } from '../helpers/container.ts'
import { isRootless } from '../helpers/host.ts'
import { type Attempt, parseAttempts } from '../helpers/report.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('devices')

async function attempts(words: string, patch: Json = {}): Promise<readonly Attempt[]> {
  return parseAttempts(mustSucceed(await runOnce(withArgs(['probe', ...words.split(' ')], patch))).stdout)
}

const devices: readonly (readonly [string, number, number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
]

test('the default devices', async () => {
  const seen = await attempts(devices.map(([name]) => `stat /dev/${name}`).join(' , '))
  devices.forEach(([name, major, minor], index) => {
    const found = seen[index]
    assert.equal([found?.['major'], found?.['minor']], [major, minor], name)
    assert.is(Number(found?.['mode']) & 0o170777, 0o020666, name)
    // For a user they are those of the host, whose root has no id inside.
    if (!isRootless) assert.is(found?.['uid'], 0, name)
  })
})

test('the default devices work', async () => {
  const outcome = await runOnce(
    withArgs(['sh', '-c', 'head -c 4 /dev/zero | wc -c; echo x >/dev/null && head -c 2 /dev/urandom | wc -c'], {
      process: { user: { uid: 1000, gid: 1000 } },
    }),
  )
  assert.is(mustSucceed(outcome).stdout, '4\n2\n')
})

test('the default links', async () => {
  const outcome = await runOnce(
    withArgs(['sh', '-c', 'for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done']),
  )
  assert.equal(mustSucceed(outcome).stdout.trim().split('\n'), [
    '/proc/self/fd',
    '/proc/self/fd/0',
    '/proc/self/fd/1',
    '/proc/self/fd/2',
    'pts/ptmx',
  ])
})

test('listed devices have their type, number, mode and owner', async () => {
  const list = [
    { path: '/dev/my/char', type: 'c', major: 1, minor: 7, fileMode: 0o640, uid: 7, gid: 8 },
    { path: '/dev/block', type: 'b', major: 7, minor: 200, fileMode: 0o600, uid: 0, gid: 6 },
    { path: '/dev/unbuffered', type: 'u', major: 1, minor: 5, fileMode: 0o666 },
    { path: '/dev/pipe', type: 'p', fileMode: 0o622, uid: 9 },
  ]
  const seen = await attempts('stat /dev/my/char , stat /dev/block , stat /dev/unbuffered , stat /dev/pipe', {
    linux: { devices: list },
  })
  const brief = seen.map((one) => [one['mode'], one['uid'], one['gid'], one['major'], one['minor']])
  assert.equal(brief, [
    [0o020640, 7, 8, 1, 7],
    [0o060600, 0, 6, 7, 200],
    [0o020666, 0, 0, 1, 5],
    [0o010622, 9, 0, 0, 0],
  ])
})

test('a listed device may stand in for a default one', async () => {
  const list = [{ path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o600, uid: 3, gid: 4 }]
  const [seen] = await attempts('stat /dev/full', { linux: { devices: list } })
  assert.equal([Number(seen?.['mode']) & 0o777, seen?.['uid'], seen?.['gid']], [0o600, 3, 4])
})

test('a device outside of /dev', async () => {
  const rootfs = makeRootfs()
  const list = [{ path: '/var/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 }]
  const [seen] = await attempts('stat /var/zero', { root: { path: rootfs, readonly: false }, linux: { devices: list } })
  assert.is(seen?.['minor'], 5)
})

test('devices of unknown type, without numbers, or with a relative path are refused', () => {
  const refused = (device: Json): void =>
    assertRefused({ linux: { devices: [device] } }, { tsrun: /linux\.devices\[0\]/ })
  refused({ path: '/dev/x', type: 'z', major: 1, minor: 1 })
  refused({ path: 'dev/x', type: 'q', major: 1, minor: 1 })
})

test('without a /dev mount the devices are made in the rootfs', async () => {
  const rootfs = makeRootfs()
  const mounts = defaultMounts.filter((mount) => !String(mount['destination']).startsWith('/dev'))
  const [seen] = await attempts('stat /dev/null', { root: { path: rootfs, readonly: false }, mounts })
  assert.is(seen?.['minor'], 3)
})

run()
