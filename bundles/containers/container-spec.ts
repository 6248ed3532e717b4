// SPDX-License-Identifier: Apache-2.0
// An image's configuration and what a user asks for, as a config.json (image-spec conversion.md). Pure.

import type { ImageRunConfig } from '../../spec/image/documents.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import type { Mount } from '../../spec/runtime/mounts.ts'
import type { LinuxSeccomp } from '../../spec/runtime/seccomp.ts'
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { User } from '../../spec/runtime/user.ts'
import { makeSpec } from '../../runtime/index.ts'
import { type RootlessFacts, rootlessSpec } from './rootless-spec.ts'

export const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What containers get unless told otherwise: Docker's list. None is inheritable. */
export const defaultCapabilities: readonly string[] = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
]

/** Beyond those of `spec`: what tells of the host's hardware, or harms it. */
export const moreMasked = [
  '/proc/interrupts',
  '/sys/devices/virtual/powercap',
  '/sys/devices/system/cpu/cpu0/thermal_throttle',
]

export interface ContainerRequest {
  readonly args: readonly string[]
  /** Added to the image's; a later `K=V` wins. */
  readonly env?: readonly string[]
  readonly cwd?: string | undefined
  readonly user: User
  readonly rootfs: string
  readonly hostname?: string | undefined
  readonly mounts?: readonly Mount[]
  /** host: the caller's network; none: a network namespace with nothing in it. */
  readonly network: 'host' | 'none'
  /** All capabilities, no masks, all devices. */
  readonly privileged?: boolean
  readonly cgroupsPath?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly seccomp?: LinuxSeccomp | undefined
  readonly terminal?: boolean
}

/** The later value of a variable counts, and stands where the first one stood. */
export function mergeEnv(...lists: readonly (readonly string[])[]): readonly string[] {
  const merged = new Map<string, string>()
  for (const one of lists.flat()) merged.set(one.split('=', 1)[0] ?? '', one)
  return [...merged.values()]
}

/** What is known of the host, and of who runs the program there. */
export interface HostFacts {
  /** cgroup v2 alone. */
  readonly unified: boolean
  /** Capabilities that there are. */
  readonly allCapabilities: readonly string[]
  /** In namespaces of a user. */
  readonly rootless?: RootlessFacts | undefined
}

export function containerSpec(image: ImageRunConfig, request: ContainerRequest, host: HostFacts): Spec {
  const base = makeSpec({ unified: host.unified })
  const namespaces: readonly LinuxNamespaceType[] = [
    'pid',
    'ipc',
    'uts',
    'mount',
    ...(request.network === 'host' ? [] : (['network'] as const)),
    ...(host.unified ? (['cgroup'] as const) : []),
  ]
  const capabilities = request.privileged === true ? host.allCapabilities : defaultCapabilities
  const env = mergeEnv(
    image.Env?.some((one) => one.startsWith('PATH=')) ? [] : [defaultPath],
    image.Env ?? [],
    request.env ?? [],
  )
  const spec: Spec = {
    // No field below is newer, and old runtimes refuse versions that they do not know.
    ociVersion: '1.0.2',
    process: {
      terminal: request.terminal === true,
      user: request.user,
      args: request.args,
      env,
      cwd: request.cwd ?? (image.WorkingDir === undefined || image.WorkingDir === '' ? '/' : image.WorkingDir),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      oomScoreAdj: 0,
    },
    root: { path: request.rootfs },
    hostname: request.hostname ?? 'tsdock',
    mounts: [...(base.mounts ?? []).map((mount) => forPrivileged(mount, request)), ...(request.mounts ?? [])],
    ...(request.annotations === undefined ? {} : { annotations: request.annotations }),
    linux: {
      ...(request.cgroupsPath === undefined ? {} : { cgroupsPath: request.cgroupsPath }),
      resources: { devices: [{ allow: request.privileged === true, access: 'rwm' }] },
      namespaces: namespaces.map((type) => ({ type })),
      ...(request.seccomp === undefined ? {} : { seccomp: request.seccomp }),
      ...(request.privileged === true
        ? {}
        : {
            maskedPaths: [...(base.linux?.maskedPaths ?? []), ...moreMasked],
            readonlyPaths: base.linux?.readonlyPaths ?? [],
          }),
    },
  }
  return host.rootless === undefined ? spec : rootlessSpec(spec, host.rootless, undefined)
}

function forPrivileged(mount: Mount, request: ContainerRequest): Mount {
  if (request.privileged !== true || (mount.type !== 'sysfs' && mount.type !== 'cgroup')) return mount
  return { ...mount, options: (mount.options ?? []).filter((option) => option !== 'ro') }
}
