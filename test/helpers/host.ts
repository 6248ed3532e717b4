// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { dirname } from 'node:path'

/** One cgroup file system of the host. */
export interface CgroupMount {
  readonly dir: string
  readonly controllers: readonly string[]
  readonly version: 1 | 2
}

/** The cgroup mounts of this mount namespace, in mount order. */
export function readCgroupMounts(): readonly CgroupMount[] {
  const mounts: CgroupMount[] = []
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ')
    const dash = fields.indexOf('-')
    const type = fields[dash + 1]
    const dir = fields[4]
    if (dash < 0 || dir === undefined || (type !== 'cgroup' && type !== 'cgroup2')) {
      continue
    }
    const controllers = (fields[dash + 3] ?? '').split(',').filter((word) => word !== 'rw' && word !== 'ro')
    mounts.push({ dir, controllers: type === 'cgroup' ? controllers : [], version: type === 'cgroup' ? 1 : 2 })
  }
  return mounts
}

/** How this host shows cgroups: v1 (also hybrid) or v2 only. */
export const cgroupVersion: 1 | 2 = readCgroupMounts().some((mount) => mount.version === 1) ? 1 : 2

/** Directory of a process in a controller's hierarchy ('' = the unified one), or undefined. */
export function readCgroupDir(pid: number | 'self', controller: string): string | undefined {
  const unified = cgroupVersion === 2 || controller === ''
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const found = unified ? line.startsWith('0::') : names.split(',').includes(controller)
    const mount = readCgroupMounts().find((candidate) =>
      unified ? candidate.version === 2 : candidate.controllers.includes(controller),
    )
    if (found && mount !== undefined) {
      return mount.dir + path
    }
  }
  return undefined
}

/** True when a controller can be used on this host. */
export function hasController(name: string): boolean {
  return cgroupVersion === 1
    ? readCgroupMounts().some((mount) => mount.controllers.includes(name))
    : readCgroupMounts().some(
        (mount) =>
          existsSync(`${mount.dir}/cgroup.controllers`) &&
          readFileSync(`${mount.dir}/cgroup.controllers`, 'utf8').split(/\s/).includes(name),
      )
}

/** A reason why a test cannot run on this host, or undefined when it can. */
export type Need = () => string | undefined

/** True when the tests run as a user, whose containers are in a user namespace. */
export const isRootless: boolean = process.getuid?.() !== 0

/** Where the cgroups of containers are, in each mount: at the top, for a user beside the cgroup that the tests run in. */
export function cgroupHomes(): readonly string[] {
  return isRootless ? [dirname(readCgroupDir('self', '') ?? '')] : readCgroupMounts().map(({ dir }) => dir)
}

/** Needs root of the host. */
export const needsRoot: Need = () => (isRootless ? 'needs root' : undefined)

/** Needs cgroup v1 (or hybrid). */
export const needsCgroup1: Need = () => (cgroupVersion === 1 ? undefined : 'this host has cgroup v2 only')

/** Needs a pure cgroup v2 host. */
export const needsCgroup2: Need = () => (cgroupVersion === 2 ? undefined : 'this host has cgroup v1')

/** Needs a cgroup controller. */
export function needsController(name: string): Need {
  return () => (hasController(name) ? undefined : `no cgroup controller "${name}" on this host`)
}

/** Needs a file or directory of the host. */
export function needsFile(path: string): Need {
  return () => (existsSync(path) ? undefined : `no ${path} on this host`)
}

/** Needs a file system type in the running kernel. */
export function needsFilesystem(name: string): Need {
  return () =>
    readFileSync('/proc/filesystems', 'utf8').split(/\s/).includes(name) ? undefined : `kernel without ${name}`
}

/** Needs a kernel of at least this version. */
export function needsKernel(major: number, minor: number): Need {
  const [have = 0, haveMinor = 0] = release().split('.').map(Number)
  return () => (have > major || (have === major && haveMinor >= minor) ? undefined : `needs Linux ${major}.${minor}`)
}

/** Needs a Linux security module, by the name in /sys/kernel/security/lsm. */
export function needsLsm(name: string): Need {
  return () => {
    const file = '/sys/kernel/security/lsm'
    const active = existsSync(file) && readFileSync(file, 'utf8').split(',').includes(name)
    return active ? undefined : `${name} is not active on this host`
  }
}

/** Needs systemd as init; as a user, that user's own service manager as well. */
export const needsSystemd: Need = () => {
  if (!existsSync('/run/systemd/system')) return 'systemd does not run on this host'
  if (isRootless && !existsSync(`/run/user/${process.getuid?.()}/bus`)) return 'this user has no systemd of its own'
  return undefined
}

/** Capabilities that this process has, by number. */
export function readOwnCapabilities(): bigint {
  return BigInt(`0x${/^CapEff:\t(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
}

/** Needs a capability of the host, by number. */
export function needsCpus(count: number): Need {
  return () => (availableParallelism() >= count ? undefined : `needs ${count} CPUs`)
}

export function needsCapability(name: string, number: number): Need {
  return () => (((readOwnCapabilities() >> BigInt(number)) & 1n) === 1n ? undefined : `this process has no ${name}`)
}
