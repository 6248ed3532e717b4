// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { containerDirectory } from '../../../../runtime/cgroups/container-paths.ts'
import { parseCgroupLayout } from '../../../../runtime/cgroups/hierarchies.ts'
import { hybrid, unified } from './hosts.ts'

test('finds nothing where no cgroup is mounted', () => {
  const layout = parseCgroupLayout('1 0 8:1 / / rw - ext4 /dev/sda1 rw\n', '')
  assert.equal(layout, { mode: 'none', hierarchies: [] })
})

test('reads v1 hierarchies, co-mounted and named ones, and the unified one beside them', () => {
  const layout = parseCgroupLayout(hybrid.mountinfo, hybrid.cgroup)
  assert.is(layout.mode, 'hybrid')
  assert.equal(
    layout.hierarchies.map(({ version, controllers, mountPoint, own }) => [
      version,
      controllers.join(),
      mountPoint,
      own,
    ]),
    [
      [1, 'cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct', ''],
      [1, 'cpuset', '/sys/fs/cgroup/cpuset', ''],
      [1, 'memory', '/sys/fs/cgroup/memory', '/jobs/a'],
      [1, 'devices', '/sys/fs/cgroup/devices', ''],
      [1, 'freezer', '/sys/fs/cgroup/freezer', ''],
      [1, 'pids', '/sys/fs/cgroup/pids', ''],
      [1, 'blkio', '/sys/fs/cgroup/blkio', ''],
      [1, 'name=systemd', '/sys/fs/cgroup/systemd', '/user.slice'],
      [2, '', '/sys/fs/cgroup/unified', '/user.slice'],
    ],
  )
})

test('is v1 without a unified hierarchy, v2 with it alone', () => {
  const legacy = hybrid.mountinfo.replace(/.* - cgroup2 .*\n/, '')
  assert.is(parseCgroupLayout(legacy, hybrid.cgroup).mode, 'v1')
  assert.equal(parseCgroupLayout(unified.mountinfo, unified.cgroup), {
    mode: 'v2',
    hierarchies: [
      {
        version: 2,
        controllers: [],
        mountPoint: '/sys/fs/cgroup',
        own: '/user.slice/session-1.scope',
        root: '/',
      },
    ],
  })
})

test('takes the mount in the usual place that shows the whole hierarchy', () => {
  const mounts = [
    '31 1 0:30 / /var/lib/other/memory rw - cgroup cgroup rw,memory',
    '32 1 0:30 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '33 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '34 1 0:30 / /sys/fs/cgroup/again rw - cgroup cgroup rw,memory',
  ]
  const place = (lines: string[]) => parseCgroupLayout(lines.join('\n'), '4:memory:/docker/x/y').hierarchies[0]
  assert.is(place(mounts)?.mountPoint, '/sys/fs/cgroup/memory')
  assert.is(place(mounts)?.own, '/docker/x/y')
  assert.is(place(mounts.slice(0, 2))?.own, '/y')
  assert.is(place(mounts.slice(0, 1))?.mountPoint, '/var/lib/other/memory')
})

test('stays below the mount when /proc tells of cgroups that it does not show', () => {
  const own = (root: string, path: string) =>
    parseCgroupLayout(`1 0 0:1 ${root} /sys/fs/cgroup rw - cgroup2 none rw`, `0::${path}`).hierarchies[0]?.own
  assert.is(own('/', '/'), '')
  assert.is(own('/', '/../other'), '')
  assert.is(own('/a', '/a'), '')
  assert.is(own('/a', '/b/c'), '')
  assert.is(own('/a', '/ab'), '')
  assert.is(own('/a', '/a/b'), '/b')
})

test('reads escapes in mount points', () => {
  const line = '1 0 0:1 / /mnt/my\\040groups rw - cgroup2 none rw'
  assert.is(parseCgroupLayout(line, '0::/').hierarchies[0]?.mountPoint, '/mnt/my groups')
})

const v1 = { version: 1, controllers: ['memory'], mountPoint: '/m', own: '/own/x', root: '/' } as const

test('places the container below the mount point or below the caller', () => {
  assert.is(containerDirectory(v1, '/a/b', 'id', false), '/m/a/b')
  assert.is(containerDirectory(v1, '//a/./b/', 'id', false), '/m/a/b')
  assert.is(containerDirectory(v1, 'a/b', 'id', false), '/m/own/x/a/b')
  assert.is(containerDirectory(v1, undefined, 'id', false), '/m/own/x/id')
  assert.is(containerDirectory(v1, undefined, 'id', true), '/m/own/id')
  assert.is(containerDirectory({ ...v1, own: '' }, undefined, 'id', true), '/m/id')
})

test('refuses paths that lead elsewhere', () => {
  for (const path of ['/..', '../x', '/a/../b', '/', '.', '/a\0b', 'a\nb']) {
    assert.throws(() => containerDirectory(v1, path, 'id', false), /linux\.cgroupsPath/, path)
  }
})

test.run()
