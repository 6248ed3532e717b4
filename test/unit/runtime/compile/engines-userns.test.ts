// SPDX-License-Identifier: Apache-2.0
// Plans of whole configs with a user namespace.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { unified } from '../cgroups/hosts.ts'
import { cgroupsOf } from './no-cgroups.ts'
import { lines, links, mounted, plan } from './whole-plan.ts'

const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }]

test("a user namespace: the host's devices are bound, FIFOs are made, cgroups are read-only", () => {
  const spec = makeSpec({
    mounts: [
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] },
    ],
    linux: {
      namespaces: namespaces('pid', 'network', 'ipc', 'uts', 'mount', 'user'),
      uidMappings: mapping,
      gidMappings: mapping,
      devices: [
        { path: '/dev/pipe', type: 'p', uid: 3 },
        { path: '/dev/sda', type: 'b', major: 8, minor: 0 },
      ],
    },
  })
  const { prepare, late, setup } = plan(makeContext(spec, { facts: makeFacts(unified) }))
  assert.equal(
    prepare,
    lines(`
      open-tree /bundle/rootfs 7 #0
      open-char /dev/null 1 3 #4
      setattr #4 private
      open-char /dev/zero 1 5 #5
      setattr #5 private
      open-char /dev/full 1 7 #6
      setattr #6 private
      open-char /dev/random 1 8 #7
      setattr #7 private
      open-char /dev/urandom 1 9 #8
      setattr #8 private
      open-char /dev/tty 5 0 #9
      setattr #9 private
      open-char /dev/sda 8 0 #10
      setattr #10 private
    `),
  )
  assert.equal(
    late,
    lines(`
      mount-fs tmpfs tmpfs [mode=755] +0 #1
      open-tree /sys/fs/cgroup/user.slice/box 0 #3
      setattr #3 +1 slave
    `),
  )
  const bound = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map(
    (name, index) => `ensure /dev/${name} 1 0644 #2\nmove #${index + 4} #2`,
  )
  assert.equal(
    setup,
    lines(`
      attach-root #0 slave /bundle/rootfs
      ${mounted('', '/dev', '#1')}
      ${mounted('', '/sys/fs/cgroup', '#3')}
      ${bound.join('\n')}
      mknod /dev/pipe 010666 0 0 3 0
      ensure /dev/sda 1 0644 #2
      move #10 #2
      ${links}
      pivot 0
    `),
  )
})

test('rootless: the cgroup that could not be made leaves an empty place, not the cgroups of the host', () => {
  const one = [{ containerID: 0, hostID: 1000, size: 1 }]
  const spec = makeSpec({
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] },
    ],
    linux: { namespaces: namespaces('pid', 'ipc', 'uts', 'mount', 'user'), uidMappings: one, gidMappings: one },
  })
  const context = makeContext(spec, { facts: makeFacts({ ...unified, uid: 1000, gid: 1000 }) })
  const { prepare, late = [], setup } = compileMounts(context, cgroupsOf(context))
  assert.equal(showOps(prepare), [])
  assert.equal(
    showOps(late),
    lines(`
      mount-fs proc proc [] +0 #0
      open-tree /sys 1 #2
      setattr #2 +f -200000
      setattr #2 slave recursive
      mount-fs tmpfs cgroup [mode=755] +3 #4
      open-tree /sys/fs/cgroup/user.slice/box 0 #3 ~ENOENT,EPERM
      setattr #3 +3 slave
    `),
  )
  assert.equal(
    showOps(setup),
    lines(`
      refuse-symlink /proc
      ensure /proc 0 0755 #1
      move #0 #1
      ensure /sys 2 #2 0755 #1
      move #2 #1
      ensure /sys/fs/cgroup 0 0755 #1
      move #4 #1
      ensure /sys/fs/cgroup 0 0755 #1
      move #3 #1
    `),
  )
})

test.run()
