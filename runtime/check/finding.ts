// SPDX-License-Identifier: Apache-2.0

/**
 * `ok`: all is there; `absent`: an addition that nobody has to have; `degraded`: containers run, and something that configs
 * ask for will fail or be done without; `missing`: no container can be run.
 */
export type FindingStatus = 'ok' | 'absent' | 'degraded' | 'missing'

/** What the host has of one thing. */
export interface Finding {
  readonly name: string
  readonly status: FindingStatus
  /** What was found. */
  readonly found: string
  /** What to do about it. */
  readonly advice?: string
}

/** What findings are made from; everything that was read or tried, and nothing judged yet. */
export interface CheckFacts {
  readonly uid: number
  readonly user: string
  /** Release of the kernel. */
  readonly kernel: string
  /** The caller is in a user namespace already. */
  readonly nested: boolean
  /** System calls that were tried, with an errno or '0'. */
  readonly calls: ReadonlyMap<string, string>
  /** Namespaces for users, and for mounts in it: an errno, '0', or absent when it was not tried. */
  readonly userns: ReadonlyMap<string, string>
  readonly mountinfo: string
  readonly selfCgroup: string
  /** Controllers of the unified hierarchy where the caller may make cgroups; undefined where it may not. */
  readonly delegated: readonly string[] | undefined
  /** Of the unified hierarchy as a whole. */
  readonly controllers: readonly string[]
  readonly cgroupWritable: boolean
  /** Effective capabilities. */
  readonly capabilities: bigint
  /** Names of capabilities the kernel knows, by number. */
  readonly lastCapability: number
  readonly sysctls: Readonly<Record<'maxUserns' | 'unprivilegedUserns' | 'apparmorUserns', number | undefined>>
  /** Programs on PATH, and those of tsrun. */
  readonly programs: ReadonlyMap<
    string,
    { readonly path: string; readonly privileged: boolean; readonly version: string }
  >
  /** Lines of /etc/subuid and /etc/subgid for the user: numbers of ids. */
  readonly subordinate: { readonly uids: number; readonly gids: number }
  readonly lsm: readonly string[]
  readonly seccompActions: readonly string[]
  readonly filesystems: readonly string[]
  readonly systemd: boolean
  /** Sockets of D-Bus that are there. */
  readonly bus: { readonly system: boolean; readonly session: boolean }
  readonly stateRoot: { readonly path: string; readonly writable: boolean }
}
