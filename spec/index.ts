// SPDX-License-Identifier: Apache-2.0

export { CAPABILITIES } from './capability.ts'
export { assertNever, type ErrorCode, InternalError, invariant, TsrunError, type TsrunErrorOptions } from './error.ts'
export { pointerKeys, pointerLabel, pointerTo, pointerValue } from './pointer.ts'
export type { Problem } from './problem.ts'
export type { Root, Spec } from './runtime/config.ts'
export type { LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType, LinuxNetDevice } from './runtime/devices.ts'
export type {
  Features,
  FeaturesCgroup,
  FeaturesEnabled,
  FeaturesIntelRdt,
  FeaturesLinux,
  FeaturesMemoryPolicy,
  FeaturesSeccomp,
} from './runtime/features.ts'
export type { FreeBSD, FreeBSDDevice, FreeBSDJail, FreeBSDJailAllow, FreeBSDSharing } from './runtime/freebsd.ts'
export type { Hook, Hooks } from './runtime/hooks.ts'
export type {
  Linux,
  LinuxIntelRdt,
  LinuxMemoryPolicy,
  LinuxPersonality,
  MemoryPolicyFlagType,
  MemoryPolicyModeType,
  RootfsPropagation,
} from './runtime/linux.ts'
export type { Mount } from './runtime/mounts.ts'
export type { LinuxIDMapping, LinuxNamespace, LinuxNamespaceType, LinuxTimeOffset } from './runtime/namespaces.ts'
export type {
  Box,
  CPUAffinity,
  IOPriorityClass,
  LinuxCapabilities,
  LinuxIOPriority,
  LinuxSchedulerFlag,
  LinuxSchedulerPolicy,
  POSIXRlimit,
  Process,
  Scheduler,
} from './runtime/process.ts'
export type {
  LinuxBlockIO,
  LinuxBlockIODevice,
  LinuxCPU,
  LinuxHugepageLimit,
  LinuxInterfacePriority,
  LinuxMemory,
  LinuxNetwork,
  LinuxPids,
  LinuxRdma,
  LinuxResources,
  LinuxThrottleDevice,
  LinuxWeightDevice,
} from './runtime/resources.ts'
export type {
  Arch,
  LinuxSeccomp,
  LinuxSeccompAction,
  LinuxSeccompArg,
  LinuxSeccompFlag,
  LinuxSeccompOperator,
  LinuxSyscall,
} from './runtime/seccomp.ts'
export type { Solaris, SolarisAnet, SolarisCappedCPU, SolarisCappedMemory } from './runtime/solaris.ts'
export type { ContainerProcessState, ContainerState, State } from './runtime/state.ts'
export type { User } from './runtime/user.ts'
export type { HWConfig, IOMems, VM, VMHypervisor, VMImage, VMKernel } from './runtime/vm.ts'
export type {
  Windows,
  WindowsCPUGroupAffinity,
  WindowsCPUResources,
  WindowsDevice,
  WindowsHyperV,
  WindowsMemoryResources,
  WindowsNetwork,
  WindowsResources,
  WindowsStorageResources,
} from './runtime/windows.ts'
export type { ZOS, ZOSNamespace, ZOSNamespaceType } from './runtime/zos.ts'
export { validateConfig, validateProcess, validateResources, warnConfig, warnProcess } from './validate.ts'
