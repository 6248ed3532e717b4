// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'
import type { Mount } from '../../spec/runtime/mounts.ts'
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import { specVersion } from '../../spec/version.ts'

/** Who a rootless container is for: the ids that become 0 inside. */
export interface RootlessOwner {
  readonly uid: number
  readonly gid: number
}

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
const untrusted = ['nosuid', 'noexec', 'nodev']

const mounts: readonly Mount[] = [
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
    options: [...untrusted, 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: untrusted },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...untrusted, 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...untrusted, 'relatime', 'ro'] },
]

/** In a user namespace without ids but one: group 5 is not there, and sysfs belongs to the host's network namespace. */
function toRootlessMount(mount: Mount): Mount {
  if (mount.destination === '/sys') {
    return { ...mount, type: 'none', source: '/sys', options: ['rbind', ...untrusted, 'ro'] }
  }
  if (mount.options === undefined) return mount
  return { ...mount, options: mount.options.filter((option) => !option.startsWith('gid=')) }
}

const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/sys/firmware',
  '/proc/scsi',
]

function namespaces(...types: readonly LinuxNamespaceType[]): NonNullable<Spec['linux']>['namespaces'] {
  return types.map((type) => ({ type }))
}

/** What the config is written for. */
export interface SpecTarget {
  /** The host has cgroup v2 only: a namespace of its own is what hides the other cgroups then. */
  readonly unified: boolean
  readonly rootless?: RootlessOwner | undefined
}

/** A config.json to start from, as `spec` writes it: what peers write, too. */
export function makeSpec({ unified, rootless }: SpecTarget): Spec {
  const cgroup: readonly LinuxNamespaceType[] = unified ? ['cgroup'] : []
  const confined = {
    maskedPaths,
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  }
  return {
    ociVersion: specVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      // No inheritable ones: they would come back through any file with inheritable capabilities (CVE-2022-27650).
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'tsrun',
    mounts: rootless === undefined ? mounts : mounts.map(toRootlessMount),
    linux:
      rootless === undefined
        ? {
            resources: { devices: [{ allow: false, access: 'rwm' }] },
            namespaces: namespaces('pid', 'network', 'ipc', 'uts', 'mount', ...cgroup),
            ...confined,
          }
        : {
            uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
            namespaces: namespaces('pid', 'ipc', 'uts', 'mount', ...cgroup, 'user'),
            ...confined,
          },
  }
}
