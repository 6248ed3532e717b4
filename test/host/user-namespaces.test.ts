// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import {
  cgroupMount,
  defaultMounts,
  defaultNamespaces,
  type Json,
  makeRootfs,
  merge,
  withArgs,
} from '../helpers/bundle.ts'
import { inspect, mustSucceed, newSource, runOnce, withContainer, withRunning } from '../helpers/container.ts'
import { findMount, parseAttempts, type Report } from '../helpers/report.ts'
import { isTsrun } from '../helpers/runtime.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('user namespaces')

const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }]

function inUserns(patch: Json = {}, uidMappings: readonly Json[] = mapping, gidMappings = uidMappings): Json {
  const linux = { namespaces: [...defaultNamespaces, { type: 'user' }], uidMappings, gidMappings }
  return merge({ linux }, patch)
}

/** A rootfs that belongs to the mapped root. */
function shiftedRootfs(): string {
  const rootfs = makeRootfs()
  for (const dir of ['', 'home', 'tmp', 'var', 'etc']) {
    chownSync(join(rootfs, dir), 100000, 100000)
  }
  return rootfs
}

test('the maps are as listed, ids inside are those of the config', async () => {
  const report = await inspect(
    inUserns(
      {},
      [
        { containerID: 0, hostID: 100000, size: 1000 },
        { containerID: 1000, hostID: 300000, size: 5 },
      ],
      [{ containerID: 0, hostID: 200000, size: 2000 }],
    ),
  )
  const maps = (lines: readonly string[] | null): readonly string[] =>
    (lines ?? []).map((line) => line.trim().replaceAll(/\s+/g, ' '))
  assert.equal(maps(report.uidMap), ['0 100000 1000', '1000 300000 5'])
  assert.equal(maps(report.gidMap), ['0 200000 2000'])
  assert.is(report.uid, 0)
  assert.is(report.gid, 0)
})

test('the process has the mapped ids on the host', async () => {
  await withRunning(
    inUserns(withArgs(['sleep', '60'], { process: { user: { uid: 5, gid: 6, additionalGids: [7] } } })),
    (c) => {
      const status = readFileSync(`/proc/${c.pid()}/status`, 'utf8')
      assert.match(status, /^Uid:\t100005\t100005/m)
      assert.match(status, /^Gid:\t100006\t100006/m)
      assert.match(status, /^Groups:\t100007/m)
    },
  )
})

test('files that are made belong to the mapped ids', async () => {
  const rootfs = shiftedRootfs()
  mustSucceed(
    await runOnce(
      inUserns(
        withArgs(['probe', 'create', '/home/x', 'x'], {
          root: { path: rootfs, readonly: false },
          process: { user: { uid: 0, gid: 0 } },
        }),
      ),
    ),
  )
  const made = statSync(join(rootfs, 'home/x'))
  assert.equal([made.uid, made.gid], [100000, 100000])
})

test('files of the host root show as nobody, and stay unwritable', async () => {
  const caps = ['CAP_DAC_OVERRIDE', 'CAP_CHOWN', 'CAP_FOWNER']
  const sets = { bounding: caps, effective: caps, permitted: caps }
  const outcome = await runOnce(
    inUserns(
      withArgs(['probe', 'stat', '/bin', ',', 'chmod', '/bin', '0700', ',', 'create', '/bin/x', 'x'], {
        process: { capabilities: sets },
        root: { path: makeRootfs(), readonly: false },
      }),
    ),
  )
  const seen = parseAttempts(mustSucceed(outcome).stdout)
  assert.is(seen[0]?.['uid'], 65534)
  assert.is(seen[1]?.errno, 'EPERM')
  assert.is(seen[2]?.errno, 'EACCES')
})

test('all capabilities inside give none outside', async () => {
  const caps = ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_MKNOD', 'CAP_SYS_TIME', 'CAP_SYS_RAWIO']
  const sets = { bounding: caps, effective: caps, permitted: caps }
  const outcome = await runOnce(
    inUserns(
      withArgs(['probe', 'mknod', '/dev/k', 'c', '1', '11', ',', 'sethostname', 'x'], {
        process: { capabilities: sets },
      }),
    ),
  )
  const seen = parseAttempts(mustSucceed(outcome).stdout)
  assert.is(seen[0]?.errno, 'EPERM')
  assert.is(seen[1]?.errno, '')
})

test("the default devices are bind mounts of the host's", async () => {
  const outcome = mustSucceed(
    await runOnce(
      inUserns(
        withArgs([
          'sh',
          '-c',
          'for d in null zero full random urandom tty; do stat -c "%n %t:%T" /dev/$d; done; echo x >/dev/null',
        ]),
      ),
    ),
  )
  assert.equal(outcome.stdout.trim().split('\n'), [
    '/dev/null 1:3',
    '/dev/zero 1:5',
    '/dev/full 1:7',
    '/dev/random 1:8',
    '/dev/urandom 1:9',
    '/dev/tty 5:0',
  ])
})

test('bind mounts, tmpfs, proc, sysfs and mqueue', async () => {
  const source = newSource({ file: 'text' })
  const report = await inspect(
    inUserns({
      mounts: [...defaultMounts, { destination: '/home', source, options: ['rbind', 'ro'] }],
    }),
  )
  assert.ok(findMount(report, '/home')?.options.includes('ro'))
  for (const path of ['/proc', '/sys', '/dev', '/dev/shm', '/dev/mqueue', '/dev/pts']) {
    assert.ok(findMount(report, path), path)
  }
})

test('a source that only the host root can reach is mounted', async () => {
  const source = newSource({ 'inner/file': 'text' })
  chmodSync(source, 0o700)
  const mounts = [...defaultMounts, { destination: '/home', source: join(source, 'inner'), options: ['bind'] }]
  const outcome = await runOnce(inUserns(withArgs(['cat', '/home/file'], { mounts })))
  assert.is(mustSucceed(outcome).stdout, 'text')
})

test(
  'a rootfs that only the host root can reach',
  async () => {
    const rootfs = shiftedRootfs()
    chmodSync(join(rootfs, '..'), 0o700)
    mustSucceed(await runOnce(inUserns(withArgs(['true'], { root: { path: rootfs } }))))
  },
  { differsFrom: { runc: 'opens the rootfs as the mapped root' } },
)

test('cgroups of the container are read-only when the cgroup namespace is shared', async () => {
  const config = inUserns(withArgs(['probe', 'report'], { mounts: [...defaultMounts, cgroupMount] }))
  await withContainer(config, (container) => {
    const report = JSON.parse(mustSucceed(container.run()).stdout) as Report
    const mount = (report.mountinfo ?? []).find((line) => line.includes(' - cgroup'))
    assert.match(mount ?? '', / ro,/)
  })
})

test('maskedPaths and readonlyPaths hold', async () => {
  const outcome = await runOnce(
    inUserns(withArgs(['probe', 'read', '/proc/keys', ',', 'write', '/proc/sys/kernel/domainname', 'x'])),
  )
  const seen = parseAttempts(mustSucceed(outcome).stdout)
  assert.is(seen[0]?.['text'], '')
  assert.ok(['EROFS', 'EACCES'].includes(seen[1]?.errno ?? ''), seen[1]?.errno)
})

test('a user that is not mapped is refused', () => {
  assertRefused(inUserns({ process: { user: { uid: 70000, gid: 0 } } }), { tsrun: /process\.user\.uid.*70000/ })
  assertRefused(inUserns({ process: { user: { uid: 0, gid: 70000 } } }), { tsrun: /process\.user\.gid.*70000/ })
})

test('a user namespace without mappings is refused', () => {
  assertRefused(inUserns({}, [], []), { tsrun: /uidMappings|namespaces/ })
})

test(
  'mappings without a user namespace are refused',
  () => {
    assertRefused({ linux: { uidMappings: mapping, gidMappings: mapping } }, { tsrun: /uidMappings/ })
  },
  { differsFrom: { runc: 'ignores them' } },
)

test('overlapping mappings are refused', () => {
  const overlapping = [
    { containerID: 0, hostID: 100000, size: 100 },
    { containerID: 50, hostID: 300000, size: 100 },
  ]
  assertRefused(inUserns({}, overlapping), { tsrun: /uidMappings/ })
})

test('setgroups works with a privileged caller', async () => {
  const report = await inspect(inUserns({ process: { user: { uid: 1, gid: 1, additionalGids: [5, 6] } } }))
  assert.equal([...report.groups].sort(), [5, 6])
  assert.is(report.setgroups, 'allow')
})

test('exec into a container with a user namespace', async () => {
  const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const linux = { namespaces: [...defaultNamespaces, { type: 'user' }], uidMappings: mappings, gidMappings: mappings }
  await withRunning({ ...withArgs(['sleep', '60']), linux }, (container) => {
    const report = JSON.parse(mustSucceed(container.exec(['probe', 'report'])).stdout) as Report
    assert.is(report.uid, 0)
    assert.match(report.uidMap?.[0] ?? '', /0\s+100000\s+65536/)
    assertFailure(container.exec(['true'], ['--user', '70000']), { status: 255, text: /./ })
  })
})

test('groups stay where the namespace of the caller has given setgroups up', async () => {
  const mounts = defaultMounts.map((mount) => ({
    ...mount,
    options: ((mount['options'] as readonly string[] | undefined) ?? []).filter((option) => option !== 'gid=5'),
  }))
  const of = (additionalGids: readonly number[]): Json => ({
    process: { user: { uid: 0, gid: 0, additionalGids } },
    mounts,
  })
  const options = { wrapper: ['unshare', '--map-root-user', '--mount'] }
  assert.is((await inspect(of([]), options)).setgroups, 'deny')
  const refused = await runOnce(of([5]), options)
  if (isTsrun) assertFailure(refused, { tsrun: /additionalGids/ })
})

run()
