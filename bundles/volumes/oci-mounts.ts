// SPDX-License-Identifier: Apache-2.0
// A container's mount points as `mounts` of its config.json. Pure.

import { join } from 'node:path'
import type { Mount } from '../../spec/runtime/mounts.ts'
import type { MountPoint } from '../containers/record.ts'
import { DockError } from '../error.ts'
import { mergeTmpfsOptions } from './tmpfs-options.ts'

export interface MountHost {
  /** The container's directory. */
  readonly directory: string
  /** Its release: `6.18.1`. */
  readonly kernel: string
}

const depth = (path: string): number => path.split('/').length

/** What lies in another mount comes after it. */
export const inMountOrder = <T extends { readonly Destination: string }>(points: readonly T[]): readonly T[] =>
  points.toSorted((a, b) => depth(a.Destination) - depth(b.Destination))

/** mount_setattr(2), which makes all mounts of a tree read-only at once. */
function hasRecursiveReadonly(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 12)
}

/** Where a part of a volume is found while its container runs: `prepareMounts` puts it there. */
export const subpathMount = (directory: string, point: MountPoint): string =>
  join(directory, 'subpaths', Buffer.from(point.Destination).toString('hex').slice(-200))

function readonlyWord({ Destination, Details }: MountPoint, kernel: string): 'ro' | 'rro' {
  if (Details?.ReadOnlyNonRecursive === true) return 'ro'
  if (hasRecursiveReadonly(kernel)) return 'rro'
  if (Details?.ReadOnlyForceRecursive !== true) return 'ro'
  throw new DockError(`${Destination}: bind-recursive=readonly needs Linux 5.12, and this is ${kernel}`)
}

function bindMount(point: MountPoint, host: MountHost): Mount {
  const subpath = point.Details?.Subpath ?? ''
  const words = [point.Details?.NonRecursive === true ? 'bind' : 'rbind']
  if (!point.RW) words.push(readonlyWord(point, host.kernel))
  words.push(point.Propagation === '' ? 'rprivate' : point.Propagation)
  return {
    destination: point.Destination,
    type: 'bind',
    source: subpath === '' ? point.Source : subpathMount(host.directory, point),
    options: words,
  }
}

function tmpfsMount({ Destination, Details }: MountPoint): Mount {
  const own = Details?.Tmpfs ?? ''
  const options = ['noexec', 'nosuid', 'nodev', 'rprivate', ...(own === '' ? [] : own.split(','))]
  return { destination: Destination, type: 'tmpfs', source: 'tmpfs', options: mergeTmpfsOptions(options) }
}

/** Errors: DockError, for what this kernel cannot do. */
export function ociMounts(points: readonly MountPoint[], host: MountHost): readonly Mount[] {
  return inMountOrder(points).map((point) => (point.Type === 'tmpfs' ? tmpfsMount(point) : bindMount(point, host)))
}

/** Mounts that every container has, without those that the user's replace; and the user's. */
export function withOwnMounts(base: readonly Mount[], own: readonly Mount[]): readonly Mount[] {
  const places = new Set(own.map(({ destination }) => destination))
  const kept = base.filter(
    ({ destination }) => !places.has(destination) && !(places.has('/dev') && destination.startsWith('/dev/')),
  )
  return [...kept, ...own]
}

/** `linux.rootfsPropagation` that mounts need which are to be seen outside, or from outside; undefined: the default. */
export function rootPropagation(points: readonly MountPoint[]): 'rshared' | 'rslave' | undefined {
  const wanted = points.map(({ Propagation }) => Propagation)
  if (wanted.some((one) => one === 'shared' || one === 'rshared')) return 'rshared'
  return wanted.some((one) => one === 'slave' || one === 'rslave') ? 'rslave' : undefined
}
