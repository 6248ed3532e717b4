// SPDX-License-Identifier: Apache-2.0
// What `build` allows each RUN: memory, cpus, resource limits, security. None of it is part of what a step depends on.

import { readFile } from 'node:fs/promises'
import { release } from 'node:os'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import type { LinuxSeccomp } from '../../spec/runtime/seccomp.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import { defaultCapabilities, type HostFacts } from '../containers/container-spec.ts'
import { rootlessSpec } from '../containers/rootless-spec.ts'
import { defaultSeccomp, parseSeccompProfile } from '../containers/seccomp.ts'
import { parseSecurity, type SecurityOptions } from '../containers/security.ts'
import { DockError } from '../error.ts'
import { hostPlatform } from '../images/platform.ts'

export interface RunLimits {
  /** Bytes, as the other sizes; 0: no limit. */
  readonly memory: number
  /** -1: none; 0: as much again as memory. */
  readonly memorySwap: number
  readonly cpuShares: number
  readonly cpuPeriod: number
  readonly cpuQuota: number
  readonly cpusetCpus: string
  readonly cpusetMems: string
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
  readonly shmSize: number | undefined
  /** '': where builds usually are. */
  readonly cgroupParent: string
  readonly security: SecurityOptions
  /** Undefined: none. */
  readonly seccomp: LinuxSeccomp | undefined
}

/** Programs of another platform make this machine's system calls, through their emulator. */
const seccompTarget = () => ({
  architecture: hostPlatform().architecture,
  capabilities: defaultCapabilities,
  kernel: release(),
})

async function seccompOf({ seccomp }: SecurityOptions): Promise<LinuxSeccomp | undefined> {
  if (seccomp === 'unconfined') return undefined
  if (seccomp === undefined) return defaultSeccomp(seccompTarget())
  const text = await readFile(seccomp.file, 'utf8').catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`opening seccomp profile (${seccomp.file}) failed: ${e.code}`, { exitCode: 125 })
  })
  return parseSeccompProfile(text, seccomp.file, seccompTarget())
}

/** Errors: DockError: a security option that there is not, or a profile that cannot be read. */
export async function runLimits(
  limits: Omit<RunLimits, 'security' | 'seccomp'>,
  securityOptions: readonly string[],
): Promise<RunLimits> {
  const security = parseSecurity(securityOptions)
  return { ...limits, security, seccomp: await seccompOf(security) }
}

const some = <T>(values: Readonly<Record<string, T>>): Record<string, T> | undefined => {
  const given = Object.entries(values).filter(([, value]) => value !== 0 && value !== '' && value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

/** Kernel limits; undefined: there are none. */
export function resourcesOf(limits: RunLimits): LinuxResources | undefined {
  // Docker's rule: as much swap as memory, unless told otherwise.
  const swap = limits.memorySwap === 0 ? limits.memory * 2 : limits.memorySwap
  const memory = some({ limit: limits.memory, swap })
  const cpu = some<number | string>({
    shares: limits.cpuShares,
    period: limits.cpuPeriod,
    quota: limits.cpuQuota,
    cpus: limits.cpusetCpus,
    mems: limits.cpusetMems,
  })
  if (memory === undefined && cpu === undefined) return undefined
  return { ...(memory === undefined ? {} : { memory }), ...(cpu === undefined ? {} : { cpu }) }
}

const withShm = (mounts: Spec['mounts'], size: number | undefined): NonNullable<Spec['mounts']> =>
  (mounts ?? []).map((mount) =>
    size === undefined || mount.destination !== '/dev/shm'
      ? mount
      : {
          ...mount,
          options: [...(mount.options ?? []).filter((option) => !option.startsWith('size=')), `size=${size}`],
        },
  )

/** Whether a container needs a cgroup that is made for it. */
export const needsCgroup = (limits: RunLimits): boolean =>
  resourcesOf(limits) !== undefined || limits.cgroupParent !== ''

function limitedProcess(process: NonNullable<Spec['process']>, { security, ulimits }: RunLimits): Spec['process'] {
  return {
    ...process,
    ...(security.noNewPrivileges ? { noNewPrivileges: true } : {}),
    ...(security.apparmor === undefined ? {} : { apparmorProfile: security.apparmor }),
    ...(ulimits.length === 0
      ? {}
      : {
          rlimits: ulimits.map(({ Name, Soft, Hard }) => ({
            type: `RLIMIT_${Name.toUpperCase()}`,
            soft: Soft,
            hard: Hard,
          })),
        }),
  }
}

/** Puts limits into a container's config. id: of the container. Errors: DockError: users cannot have them here. */
export function withLimits(spec: Spec, limits: RunLimits, id: string, host: HostFacts): Spec {
  const resources = resourcesOf(limits)
  const { maskedPaths: _, readonlyPaths: __, ...unmasked } = spec.linux ?? {}
  const linux = limits.security.systemPathsUnconfined ? unmasked : spec.linux
  const parent = limits.cgroupParent
  const limited: Spec = {
    ...spec,
    ...(spec.process === undefined ? {} : { process: limitedProcess(spec.process, limits) }),
    mounts: withShm(spec.mounts, limits.shmSize),
    linux: {
      ...linux,
      ...(resources === undefined ? {} : { resources: { ...linux?.resources, ...resources } }),
      ...(needsCgroup(limits) ? { cgroupsPath: `${parent === '' ? '/tsdock' : parent}/${id}` } : {}),
    },
  }
  if (host.rootless === undefined) return limited
  return rootlessSpec(limited, host.rootless, needsCgroup(limits) ? { id, parent } : undefined)
}
