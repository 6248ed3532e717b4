// SPDX-License-Identifier: Apache-2.0
import type { LinuxDevice, LinuxNetDevice } from './devices.ts'
import type { LinuxIDMapping, LinuxNamespace, LinuxTimeOffset } from './namespaces.ts'
import type { LinuxResources } from './resources.ts'
import type { LinuxSeccomp } from './seccomp.ts'

/** What only Linux has. Spec: config-linux.md */
export interface Linux {
  readonly uidMappings?: readonly LinuxIDMapping[] | undefined
  readonly gidMappings?: readonly LinuxIDMapping[] | undefined
  readonly sysctl?: Readonly<Record<string, string>> | undefined
  readonly resources?: LinuxResources | undefined
  readonly cgroupsPath?: string | undefined
  readonly namespaces?: readonly LinuxNamespace[] | undefined
  readonly devices?: readonly LinuxDevice[] | undefined
  readonly netDevices?: Readonly<Record<string, LinuxNetDevice>> | undefined
  readonly seccomp?: LinuxSeccomp | undefined
  readonly rootfsPropagation?: RootfsPropagation | undefined
  readonly maskedPaths?: readonly string[] | undefined
  readonly readonlyPaths?: readonly string[] | undefined
  readonly mountLabel?: string | undefined
  readonly intelRdt?: LinuxIntelRdt | undefined
  readonly memoryPolicy?: LinuxMemoryPolicy | undefined
  readonly personality?: LinuxPersonality | undefined
  /** Keys: monotonic, boottime. */
  readonly timeOffsets?: Readonly<Record<string, LinuxTimeOffset>> | undefined
}

/**
 * How mount events travel between the container's root and the host. The empty string means absent.
 * The specification names the first four; peers also take the recursive forms.
 */
export type RootfsPropagation =
  | ''
  | 'private'
  | 'shared'
  | 'slave'
  | 'unbindable'
  | 'rprivate'
  | 'rshared'
  | 'rslave'
  | 'runbindable'

/** Spec: config-linux.md#intelrdt */
export interface LinuxIntelRdt {
  readonly closID?: string | undefined
  readonly schemata?: readonly string[] | undefined
  readonly l3CacheSchema?: string | undefined
  readonly memBwSchema?: string | undefined
  readonly enableMonitoring?: boolean | undefined
}

export type MemoryPolicyModeType =
  | 'MPOL_DEFAULT'
  | 'MPOL_BIND'
  | 'MPOL_INTERLEAVE'
  | 'MPOL_WEIGHTED_INTERLEAVE'
  | 'MPOL_PREFERRED'
  | 'MPOL_PREFERRED_MANY'
  | 'MPOL_LOCAL'

export type MemoryPolicyFlagType = 'MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES'

/** Arguments of set_mempolicy. Spec: config-linux.md#memory-policy */
export interface LinuxMemoryPolicy {
  readonly mode: MemoryPolicyModeType
  readonly nodes?: string | undefined
  readonly flags?: readonly MemoryPolicyFlagType[] | undefined
}

/** Spec: config-linux.md#personality */
export interface LinuxPersonality {
  readonly domain: 'LINUX' | 'LINUX32'
  /** The specification defines none yet. */
  readonly flags?: readonly string[] | undefined
}
