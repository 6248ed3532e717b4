// SPDX-License-Identifier: Apache-2.0
// What `-v`, `--mount` and `--tmpfs` ask for, in one shape. Names of fields in messages are Docker's. Pure.

import { cleanPath } from '../dockerfile/go-path.ts'
import { DockError } from '../error.ts'

export const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const
export type Propagation = (typeof propagations)[number]

export const isPropagation = (text: string): text is Propagation => propagations.some((one) => one === text)

/** What stays with the container for each of its mounts, beyond what `inspect` shows. */
export interface MountDetails {
  /** A bind of the directory alone, without what is mounted below it. */
  readonly NonRecursive?: boolean
  /** Read-only, but what is mounted below it stays writable. */
  readonly ReadOnlyNonRecursive?: boolean
  /** Read-only with all below it, or an error. */
  readonly ReadOnlyForceRecursive?: boolean
  /** A missing host directory is made. */
  readonly CreateSource?: boolean
  /** An empty volume stays empty. */
  readonly NoCopy?: boolean
  /** Directory or file of the volume that is mounted, in the place of all of it. */
  readonly Subpath?: string
  /** Options of a tmpfs, as its file system takes them. */
  readonly Tmpfs?: string
}

export interface MountRequest {
  readonly type: 'bind' | 'volume' | 'tmpfs'
  /** bind: an absolute path; volume: its name, '' for a new one without a name of the user's. */
  readonly source: string
  readonly target: string
  readonly readonly: boolean
  /** Options as they were written behind `-v A:B:`. */
  readonly mode: string
  /** '' : nobody says. */
  readonly propagation: Propagation | ''
  /** `-v /path`: it gives way to any other mount there. */
  readonly weak: boolean
  readonly details: MountDetails
  /** Of a volume that is made for it. */
  readonly labels: Readonly<Record<string, string>>
  readonly driver: string
  readonly driverOptions: Readonly<Record<string, string>>
}

/** A wrong option of `run` and `create`. */
export const wrongMount = (message: string): DockError => new DockError(message, { exitCode: 125 })

/** Errors: DockError, with Docker's words, when a container cannot have something mounted there. */
export function checkTarget(target: string): string {
  if (cleanPath(target) === '/') throw wrongMount("invalid specification: destination can't be '/'")
  if (!target.startsWith('/')) throw wrongMount(`invalid mount path: '${target}' mount path must be absolute`)
  return cleanPath(target)
}

/** `./x` and `../x` are those of the caller's directory, as in the docker client. */
export const fromHere = (path: string, cwd: string): string =>
  path.startsWith('.') ? cleanPath(`${cwd}/${path}`) : path

export const plainRequest = {
  readonly: false,
  mode: '',
  propagation: '',
  weak: false,
  details: {},
  labels: {},
  driver: '',
  driverOptions: {},
} as const satisfies Partial<MountRequest>

export interface VolumesFrom {
  readonly container: string
  readonly readonly: boolean
}

/** Errors: two mounts at one place. `-v /path` alone may come with another one. */
export function checkDuplicates(requests: readonly MountRequest[]): void {
  const seen = new Set<string>()
  for (const { target, weak } of requests) {
    if (weak) continue
    if (seen.has(target)) throw wrongMount(`Duplicate mount point: ${target}`)
    seen.add(target)
  }
}
