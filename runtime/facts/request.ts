// SPDX-License-Identifier: Apache-2.0

/** What a plan depends on besides the config: gathered by the front, or by `readFacts` for the library. */
export interface HostFacts {
  /** Now: RFC 3339 with nanoseconds, UTC. */
  readonly time: string
  /** Of the front, as are uid, gid, cwd and umask. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
  readonly cwd: string
  readonly umask: number
  /** uname release. */
  readonly kernel: string
  /** uname machine. */
  readonly machine: string
  /** /proc/self/cgroup */
  readonly cgroup: string
  /** /proc/self/mountinfo */
  readonly mountinfo: string
  readonly uidMap: string
  readonly gidMap: string
  /** /proc/self/setgroups, in a user namespace that is not the initial one. */
  readonly setgroups?: string | undefined
  /** cgroup.controllers at the root of the unified hierarchy, when it is mounted. */
  readonly cgroupControllers?: string | undefined
  /** create, run with the systemd driver, where systemd runs. */
  readonly systemd?: SystemdFacts | undefined
  /** Active security modules. */
  readonly lsm: readonly string[]
  /** Only the variables that have a meaning for a runtime. */
  readonly env: ReadonlyMap<string, string>
}

/** What the systemd cgroup driver has to know. */
export interface SystemdFacts {
  /** /proc/1/cgroup; '' where it cannot be read. */
  readonly pid1Cgroup: string
  /** Owner of /proc/1, as the caller sees it; another namespace's root is seen as nobody. */
  readonly pid1Uid: number
  /** Cgroup of the caller's own service manager. */
  readonly userCgroup: string
  /** Its cgroup.controllers, when it is there. */
  readonly userControllers?: string | undefined
}

export type PlanVerb = 'create' | 'run' | 'exec' | 'checkpoint' | 'restore'

/** One request for a plan: csrc/README.md, "Request". */
export interface PlanRequest {
  readonly verb: PlanVerb
  readonly id: string
  /** Absolute. */
  readonly bundle: string
  /** Absolute path of the state root. */
  readonly root: string
  /** Flags as given, without dashes; a repeatable one is a list. */
  readonly options: ReadonlyMap<string, string | readonly string[]>
  /** exec: the command. */
  readonly args: readonly string[]
  /** Text of config.json. */
  readonly config: string
  /** exec: text of the --process file. */
  readonly process?: string | undefined
  /** exec: text of the container's state.json. */
  readonly state?: string | undefined
  readonly facts: HostFacts
  /** create, run: a template of the plan is welcome, too (plan/template.ts). */
  readonly wantsTemplate?: boolean | undefined
  /** checkpoint, restore: how criu has failed, when that is to be explained. */
  readonly criuFailure?: string | undefined
  /** exec, checkpoint: the container's init. */
  readonly target?: { readonly pid: number; readonly cgroup: string } | undefined
}
