// SPDX-License-Identifier: Apache-2.0
import type { LinuxDeviceCgroup } from './devices.ts'

/** Limits of the container's cgroup. Spec: config-linux.md#control-groups */
export interface LinuxResources {
  readonly devices?: readonly LinuxDeviceCgroup[] | undefined
  readonly memory?: LinuxMemory | undefined
  readonly cpu?: LinuxCPU | undefined
  readonly pids?: LinuxPids | undefined
  readonly blockIO?: LinuxBlockIO | undefined
  readonly hugepageLimits?: readonly LinuxHugepageLimit[] | undefined
  readonly network?: LinuxNetwork | undefined
  readonly rdma?: Readonly<Record<string, LinuxRdma>> | undefined
  /** cgroup v2 file name -> content, written as it stands. */
  readonly unified?: Readonly<Record<string, string>> | undefined
}

/** Bytes; -1 removes a limit. Spec: config-linux.md#memory */
export interface LinuxMemory {
  readonly limit?: number | undefined
  readonly reservation?: number | undefined
  /** Memory plus swap, also where the kernel counts swap alone. */
  readonly swap?: number | undefined
  /** Deprecated by the specification. */
  readonly kernel?: number | undefined
  readonly kernelTCP?: number | undefined
  readonly swappiness?: number | undefined
  readonly disableOOMKiller?: boolean | undefined
  readonly useHierarchy?: boolean | undefined
  readonly checkBeforeUpdate?: boolean | undefined
}

/** Times are microseconds. Spec: config-linux.md#cpu */
export interface LinuxCPU {
  readonly shares?: number | undefined
  readonly quota?: number | undefined
  readonly burst?: number | undefined
  readonly period?: number | undefined
  readonly realtimeRuntime?: number | undefined
  readonly realtimePeriod?: number | undefined
  readonly cpus?: string | undefined
  readonly mems?: string | undefined
  readonly idle?: number | undefined
}

/** Spec: config-linux.md#pids */
export interface LinuxPids {
  readonly limit?: number | undefined
}

/** Spec: config-linux.md#block-io */
export interface LinuxBlockIO {
  readonly weight?: number | undefined
  readonly leafWeight?: number | undefined
  readonly weightDevice?: readonly LinuxWeightDevice[] | undefined
  readonly throttleReadBpsDevice?: readonly LinuxThrottleDevice[] | undefined
  readonly throttleWriteBpsDevice?: readonly LinuxThrottleDevice[] | undefined
  readonly throttleReadIOPSDevice?: readonly LinuxThrottleDevice[] | undefined
  readonly throttleWriteIOPSDevice?: readonly LinuxThrottleDevice[] | undefined
}

export interface LinuxBlockIODevice {
  readonly major: number
  readonly minor: number
}

export interface LinuxWeightDevice extends LinuxBlockIODevice {
  readonly weight?: number | undefined
  readonly leafWeight?: number | undefined
}

export interface LinuxThrottleDevice extends LinuxBlockIODevice {
  readonly rate: number
}

/** Spec: config-linux.md#huge-page-limits */
export interface LinuxHugepageLimit {
  /** As the kernel names it: 2MB, 1GB. */
  readonly pageSize: string
  readonly limit: number
}

/** Spec: config-linux.md#network */
export interface LinuxNetwork {
  readonly classID?: number | undefined
  readonly priorities?: readonly LinuxInterfacePriority[] | undefined
}

export interface LinuxInterfacePriority {
  readonly name: string
  readonly priority: number
}

/** Spec: config-linux.md#rdma */
export interface LinuxRdma {
  readonly hcaHandles?: number | undefined
  readonly hcaObjects?: number | undefined
}
