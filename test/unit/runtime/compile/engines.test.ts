// SPDX-License-Identifier: Apache-2.0
// Plans of whole configs, as engines write them: what changes here, changes for their users.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import type { Mount } from '../../../../spec/runtime/mounts.ts'
import { makeContext, makeFacts, makeProcess, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { hybrid, unified } from '../cgroups/hosts.ts'
import { cgroupsOf } from './no-cgroups.ts'
import { lines, links, mounted, plan } from './whole-plan.ts'

const specMounts: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
]

const usual = [
  ['/proc', 'mount-fs proc proc [] +0'],
  ['/dev', 'mount-fs tmpfs tmpfs [mode=755 size=65536k] +22'],
  ['/dev/pts', 'mount-fs devpts devpts [newinstance ptmxmode=0666 mode=0620 gid=5] +a'],
  ['/dev/shm', 'mount-fs tmpfs shm [mode=1777 size=65536k] +e'],
  ['/dev/mqueue', 'mount-fs mqueue mqueue [] +e'],
  ['/sys', 'mount-fs sysfs sysfs [] +f'],
] as const

/** The mounts that all engines ask for, where they are made: `tree` gives the slot of each when that is done ahead. */
function usualAt(tree?: (index: number) => string): string {
  const parts = usual.map(([path, make], index) => {
    const refuse = path === '/proc' || path === '/sys' ? `refuse-symlink ${path}\n` : ''
    return refuse + (tree === undefined ? mounted(`${make} #1`, path) : mounted('', path, tree(index)))
  })
  return parts.join('')
}

const usualMounts = usualAt()

const devices = `
  mknod /dev/null 020666 1 3 0 0
  mknod /dev/zero 020666 1 5 0 0
  mknod /dev/full 020666 1 7 0 0
  mknod /dev/random 020666 1 8 0 0
  mknod /dev/urandom 020666 1 9 0 0
  mknod /dev/tty 020666 5 0 0 0
`

test('the config that `spec` writes, on a unified host', () => {
  const spec = makeSpec({
    root: { path: 'rootfs', readonly: true },
    hostname: 'tsrun',
    process: makeProcess({ terminal: true }),
    mounts: specMounts,
    linux: {
      namespaces: namespaces('pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'),
      maskedPaths: ['/proc/kcore', '/sys/firmware'],
      readonlyPaths: ['/proc/sys'],
    },
  })
  const { prepare, setup } = plan(makeContext(spec, { facts: makeFacts(unified) }))
  assert.equal(
    prepare,
    lines(`
      open-tree /bundle/rootfs 7 #0
      open-char /dev/null 1 3 #3
      setattr #3 private
    `),
  )
  assert.equal(
    setup,
    lines(`
      attach-root #0 slave /bundle/rootfs
      ${usualMounts}
      ${mounted('mount-fs cgroup2 cgroup [] +f #1', '/sys/fs/cgroup')}
      ${devices}
      ${links}
      console 0 0 1
      pivot 0
      sethostname "tsrun"
      readonly-path /proc/sys ~ENOENT
      mask-path /proc/kcore #3 ~ENOENT
      mask-path /sys/firmware #3 ~ENOENT
      root-attr +1
    `),
  )
})

test("docker's, on a hybrid host without a cgroup namespace: volumes, files over the image's, a device", () => {
  const bound = (destination: string, ...options: readonly string[]): Mount => ({
    destination,
    type: 'bind',
    source: `/var/lib/docker/c${destination}`,
    options: ['rbind', ...options],
  })
  const spec = makeSpec({
    mounts: [
      ...specMounts,
      bound('/etc/hosts', 'rprivate'),
      bound('/data', 'ro', 'rprivate'),
      bound('/shared', 'rslave'),
    ],
    linux: {
      rootfsPropagation: 'private',
      cgroupsPath: '/docker/c',
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }],
    },
  })
  const { prepare, late, setup } = plan(makeContext(spec, { facts: makeFacts(hybrid) }))
  const tree = (index: number): string => `#${index === 0 ? 1 : index + 2}`
  const groups = ['cpu,cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'pids', 'blkio', 'systemd', 'unified']
  const opened = groups.map(
    (name, index) => `open-tree /sys/fs/cgroup/${name}/docker/c 0 #${index + 9}\nsetattr #${index + 9} +f -f0 private`,
  )
  assert.equal(prepare, ['open-tree /bundle/rootfs 7 #0'])
  assert.equal(
    late,
    lines(`
      ${usual.map(([, make], index) => `${make} ${tree(index)}`).join('\n')}
      mount-fs tmpfs cgroup [mode=755] +e #8
      ${opened.join('\n')}
      open-tree /var/lib/docker/c/etc/hosts 1 #18
      setattr #18 private recursive
      open-tree /var/lib/docker/c/data 1 #19
      setattr #19 +1 -20000e
      setattr #19 private recursive
      open-tree /var/lib/docker/c/shared 1 #20
      setattr #20 slave recursive
    `),
  )
  const attached = groups.map(
    (name, index) =>
      `ensure /sys/fs/cgroup/${name} 0 0755 #2\nmove #${index + 9} #2${
        name === 'cpu,cpuacct'
          ? '\nsymlink cpu,cpuacct /sys/fs/cgroup/cpu\nsymlink cpu,cpuacct /sys/fs/cgroup/cpuacct'
          : ''
      }`,
  )
  assert.equal(
    setup,
    lines(`
      attach-root #0 private /bundle/rootfs
      ${usualAt(tree)}
      ${mounted('', '/sys/fs/cgroup', '#8')}
      ${attached.join('\n')}
      open-rooted /sys/fs/cgroup 2 #2
      setattr #2 +1
      ensure /etc/hosts 2 #18 0755 #2
      move #18 #2
      ensure /data 2 #19 0755 #2
      move #19 #2
      ensure /shared 2 #20 0755 #2
      move #20 #2
      ${devices}
      mknod /dev/fuse 020666 10 229 0 0
      ${links}
      pivot 0
      sysctl net/ipv4/ip_unprivileged_port_start "0"
    `),
  )
})

test("podman's: private mounts, a tmpfs that takes over what the image has", () => {
  const spec = makeSpec({
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['rprivate', 'nosuid', 'nodev', 'tmpcopyup'] },
      { destination: '/ro', type: 'tmpfs', source: 'tmpfs', options: ['private', 'ro', 'tmpcopyup', 'size=1m'] },
      {
        destination: '/dev/shm',
        type: 'bind',
        source: '/var/lib/containers/shm',
        options: ['bind', 'rprivate', 'nosuid', 'noexec', 'nodev'],
      },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['rprivate', 'nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      },
    ],
    linux: { namespaces: namespaces('pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'), rootfsPropagation: 'rprivate' },
  })
  const context = makeContext(spec, { facts: makeFacts(unified) })
  const { prepare, late = [], setup } = compileMounts(context, cgroupsOf(context))
  assert.equal(prepare, [])
  assert.equal(
    showOps(late),
    lines(`
      mount-fs proc proc [] +e #0
      mount-fs tmpfs tmpfs [mode=755 size=65536k] +22 #2
      mount-fs-over tmpfs tmpfs [] +6 /run #4 #3
      mount-fs-over tmpfs tmpfs [size=1m] +0 /ro #4 #5
      open-tree /var/lib/containers/shm 0 #6
      setattr #6 +e -200001 private
    `),
  )
  assert.equal(
    showOps(setup),
    lines(`
      refuse-symlink /proc
      ensure /proc 0 0755 #1
      move #0 #1
      ensure /dev 0 0755 #1
      move #2 #1
      ensure /run 0 0755 #1
      copy-up #3 /run
      setattr #3 private
      move #3 #1
      ensure /ro 0 0755 #1
      copy-up #5 /ro
      setattr #5 +1 private
      move #5 #1
      ensure /dev/shm 2 #6 0755 #1
      move #6 #1
      mount-fs cgroup2 cgroup [] +f #7
      ensure /sys/fs/cgroup 0 0755 #1
      setattr #7 private
      move #7 #1
    `),
  )
})

test("a pod's: volumes with every kind of propagation, and one that is read-only all the way down", () => {
  const volume = (name: string, ...options: readonly string[]): Mount => ({
    destination: `/${name}`,
    type: 'bind',
    source: `/var/lib/kubelet/${name}`,
    options: ['rbind', ...options],
  })
  const spec = makeSpec({
    mounts: [
      volume('hosts', 'rprivate', 'rw'),
      volume('token', 'rprivate', 'ro'),
      volume('csi', 'rshared', 'rw'),
      volume('logs', 'rslave', 'ro'),
      volume('deep', 'rprivate', 'rro'),
      volume('plain'),
    ],
    linux: { rootfsPropagation: 'rshared' },
  })
  const context = makeContext(spec)
  const { prepare, setup } = compileMounts(context, cgroupsOf(context))
  assert.equal(
    showOps(prepare),
    lines(`
      open-tree /var/lib/kubelet/hosts 1 #0
      setattr #0 -20000f
      setattr #0 private recursive
      open-tree /var/lib/kubelet/token 1 #2
      setattr #2 +1 -20000e
      setattr #2 private recursive
      open-tree /var/lib/kubelet/csi 1 #3
      setattr #3 -20000f
      setattr #3 shared recursive
      open-tree /var/lib/kubelet/logs 1 #4
      setattr #4 +1 -20000e
      setattr #4 slave recursive
      open-tree /var/lib/kubelet/deep 1 #5
      setattr #5 +1 private recursive
      open-tree /var/lib/kubelet/plain 1 #6
      setattr #6 shared recursive
    `),
  )
  assert.equal(showOps(setup).slice(0, 4), [
    'ensure /hosts 2 #0 0755 #1',
    'move #0 #1',
    'ensure /token 2 #2 0755 #1',
    'move #2 #1',
  ])
})

test.run()
