// SPDX-License-Identifier: Apache-2.0
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from './programs.ts'
import { newDir } from './work-dir.ts'

/** A JSON object; configs are loose here because many of them are broken on purpose. */
export type Json = { [key: string]: unknown }

const applets =
  'ash awk basename cat chmod chown cp cut date dd df dirname echo env expr false find free grep head hostname id ' +
  'ifconfig ip kill ln ls mkdir mkfifo mknod mount mv nc ps pwd readlink rm rmdir sed seq sh sha256sum sleep sort ' +
  'stat stty sync tail tee test touch tr true tty umount uname wc'

const directories = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'var']

let busyboxSource: string | undefined

/** A static busybox of the host. */
function busybox(): string {
  busyboxSource ??= ['/bin/busybox', '/usr/bin/busybox', '/sbin/busybox'].find((path) => existsSync(path))
  if (busyboxSource === undefined) {
    throw new Error('the host tests need a static busybox (apt-get install busybox-static)')
  }
  return busyboxSource
}

function place(source: string, target: string): void {
  try {
    linkSync(source, target)
  } catch {
    copyFileSync(source, target) // another file system
  }
}

let template: { readonly busybox: string; readonly probe: string } | undefined

/** Makes a new rootfs with busybox and the probe, that a test may change. */
export function makeRootfs(parent: string = newDir('tree')): string {
  if (template === undefined) {
    const dir = newDir('template')
    template = { busybox: join(dir, 'busybox'), probe: join(dir, 'probe') }
    copyFileSync(busybox(), template.busybox)
    copyFileSync(programPath('probe'), template.probe)
    chmodSync(template.busybox, 0o755)
    chmodSync(template.probe, 0o755)
  }
  const rootfs = join(parent, 'rootfs')
  for (const dir of directories) {
    mkdirSync(join(rootfs, dir), { recursive: true })
  }
  chmodSync(join(rootfs, 'tmp'), 0o1777)
  place(template.busybox, join(rootfs, 'bin/busybox'))
  place(template.probe, join(rootfs, 'bin/probe'))
  for (const name of applets.split(' ')) {
    symlinkSync('busybox', join(rootfs, 'bin', name))
  }
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n')
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n')
  return rootfs
}

let shared: string | undefined

/** The rootfs that all tests of a file share; a container must not write to it. */
export function sharedRootfs(): string {
  shared ??= makeRootfs()
  return shared
}

/** Lays `patch` over `base`: objects are merged, undefined removes a key, everything else replaces. */
export function merge(base: Json, patch: Json): Json {
  const result: Json = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    const old = result[key]
    if (value === undefined) {
      delete result[key]
    } else if (isObject(value)) {
      result[key] = merge(isObject(old) ? old : {}, value)
    } else {
      result[key] = value
    }
  }
  return result
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const defaultCapabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

/** The mounts of a default config, without cgroups. */
export const defaultMounts: readonly Json[] = [
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
]

/** The mount of the container's own cgroups. */
export const cgroupMount: Json = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
}

/** Namespaces of a default config. */
export const defaultNamespaces = ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type }))

/** A config like that of `spec`, with the given changes (see `merge`). `root.path` is the shared rootfs. */
export function makeConfig(patch: Json = {}): Json {
  const base: Json = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['probe', 'report'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: {
        bounding: defaultCapabilities,
        effective: defaultCapabilities,
        permitted: defaultCapabilities,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: sharedRootfs(), readonly: true },
    hostname: 'inside',
    mounts: defaultMounts,
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: defaultNamespaces,
      maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
  return merge(base, patch)
}

/** The changes that set the command. */
export function withArgs(args: readonly string[], patch: Json = {}): Json {
  return merge({ process: { args } }, patch)
}

/** A patch that puts mounts behind the default ones. */
export function withMounts(mounts: readonly Json[], patch: Json = {}): Json {
  return { ...patch, mounts: [...defaultMounts, ...mounts] }
}
