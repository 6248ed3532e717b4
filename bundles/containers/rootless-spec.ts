// SPDX-License-Identifier: Apache-2.0
// What is different in a config.json when root is only that of a user's namespace. Pure.

import type { Spec } from '../../spec/runtime/config.ts'
import type { Mount } from '../../spec/runtime/mounts.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import { DockError } from '../error.ts'

/** Of the namespaces of a user. */
export interface RootlessFacts {
  /** The highest group id that is mapped. */
  readonly lastGid: number
  /** The user's own systemd makes cgroups; else there are none. */
  readonly systemd: boolean
}

/** sysfs belongs to a network namespace, and can be mounted by who owns that; with the host's, the host's is shown. */
const hostSys: Mount = {
  destination: '/sys',
  type: 'bind',
  source: '/sys',
  options: ['rbind', 'rslave', 'nosuid', 'noexec', 'nodev', 'ro'],
}

/** The name of the first limit in there that a cgroup is needed for. */
function firstLimit({ devices: _, ...limits }: LinuxResources): string | undefined {
  for (const [group, values] of Object.entries(limits)) {
    const name = Object.entries((values ?? {}) as object).find(([, value]) => value !== undefined)?.[0]
    if (name !== undefined) return `${group}.${name}`
  }
  return undefined
}

function pingRange(controls: Readonly<Record<string, string>>, lastGid: number): Readonly<Record<string, string>> {
  const name = 'net.ipv4.ping_group_range'
  const [first, last] = (controls[name] ?? '').split(/\s+/).map(Number)
  if (first === undefined || last === undefined || last <= lastGid) return controls
  return { ...controls, [name]: `${first} ${lastGid}` }
}

/** Terminals belong to the group tty, where there is one. */
const withKnownGroup = (mount: Mount, lastGid: number): Mount => ({
  ...mount,
  options: (mount.options ?? []).filter((option) => !(option.startsWith('gid=') && Number(option.slice(4)) > lastGid)),
})

/** Where systemd makes a container's cgroup: SLICE:PREFIX:NAME. parent: --cgroup-parent, '' without. */
function systemdPath(parent: string, id: string): string {
  return `${parent === '' ? 'user.slice' : parent}:tsdock:${id}`
}

export interface CgroupWish {
  readonly id: string
  /** --cgroup-parent; '' : wherever it is. */
  readonly parent: string
}

/** cgroup: undefined: none of its own is needed. Errors: DockError: limits that nobody would keep. */
export function rootlessSpec(spec: Spec, { lastGid, systemd }: RootlessFacts, cgroup: CgroupWish | undefined): Spec {
  const parent = cgroup?.parent ?? ''
  if (parent !== '' && !(systemd && parent.endsWith('.slice'))) {
    throw new DockError(`--cgroup-parent ${parent}: without root it can only be a slice of the user's own systemd`, {
      exitCode: 125,
    })
  }
  const { cgroupsPath: _, ...linux } = spec.linux ?? {}
  const limit = systemd ? undefined : firstLimit(linux.resources ?? {})
  if (limit !== undefined) {
    throw new DockError(
      `the limit ${limit}: without root it takes cgroup v2 and a systemd of the user's own (see: loginctl enable-linger); without the option, the container runs`,
      { exitCode: 125 },
    )
  }
  const hasNetwork = linux.namespaces?.some(({ type }) => type === 'network') === true
  const mounts = spec.mounts?.map((mount) =>
    mount.type === 'sysfs' && !hasNetwork ? hostSys : mount.type === 'devpts' ? withKnownGroup(mount, lastGid) : mount,
  )
  return {
    ...spec,
    ...(mounts === undefined ? {} : { mounts }),
    // With one id alone, the kernel lets nobody change groups.
    ...(lastGid > 0 ? {} : { annotations: { ...spec.annotations, 'run.oci.keep_original_groups': '1' } }),
    linux: {
      ...linux,
      ...(linux.sysctl === undefined ? {} : { sysctl: pingRange(linux.sysctl, lastGid) }),
      ...(systemd && cgroup !== undefined ? { cgroupsPath: systemdPath(parent, cgroup.id) } : {}),
    },
  }
}
