// SPDX-License-Identifier: Apache-2.0

import type { Rule } from './rule.ts'
import { annotationsKeys } from './rules/annotations-keys.ts'
import { argsNotEmpty } from './rules/args-not-empty.ts'
import { blockIoDevices } from './rules/block-io-devices.ts'
import { blockIoWeights } from './rules/block-io-weights.ts'
import { capabilitiesAmbient } from './rules/capabilities-ambient.ts'
import { capabilitiesEffective } from './rules/capabilities-effective.ts'
import { capabilitiesKnown } from './rules/capabilities-known.ts'
import { cgroupsPath } from './rules/cgroups-path.ts'
import { consoleSize } from './rules/console-size.ts'
import { consoleSizeUnused } from './rules/console-size-unused.ts'
import { cpuAffinity } from './rules/cpu-affinity.ts'
import { cpuBurst } from './rules/cpu-burst.ts'
import { cpuValues } from './rules/cpu-values.ts'
import { cwdAbsolute } from './rules/cwd-absolute.ts'
import { deviceCgroup } from './rules/device-cgroup.ts'
import { deviceCgroupWhole } from './rules/device-cgroup-whole.ts'
import { devicesNumbers } from './rules/devices-numbers.ts'
import { devicesPathAbsolute } from './rules/devices-path-absolute.ts'
import { devicesUnique } from './rules/devices-unique.ts'
import { domainnameNeedsUts } from './rules/domainname-needs-uts.ts'
import { envEntries } from './rules/env-entries.ts'
import { fieldsOfWindows } from './rules/fields-of-windows.ts'
import { hooksPathAbsolute } from './rules/hooks-path-absolute.ts'
import { hostnameNeedsUts } from './rules/hostname-needs-uts.ts'
import { hugepageLimitsUnique } from './rules/hugepage-limits-unique.ts'
import { idMappingsNeedUserns } from './rules/id-mappings-need-userns.ts'
import { idMappingsRanges } from './rules/id-mappings-ranges.ts'
import { intelRdt } from './rules/intel-rdt.ts'
import { ioPriority } from './rules/io-priority.ts'
import { maskedPathsAbsolute } from './rules/masked-paths-absolute.ts'
import { memoryKernel } from './rules/memory-kernel.ts'
import { memoryLimits } from './rules/memory-limits.ts'
import { memoryPolicy } from './rules/memory-policy.ts'
import { mountsDestination } from './rules/mounts-destination.ts'
import { mountsDestinationRelative } from './rules/mounts-destination-relative.ts'
import { mountsIdMappings } from './rules/mounts-id-mappings.ts'
import { mountsKind } from './rules/mounts-kind.ts'
import { namespacesPathAbsolute } from './rules/namespaces-path-absolute.ts'
import { namespacesUnique } from './rules/namespaces-unique.ts'
import { netDevices } from './rules/net-devices.ts'
import { noNul } from './rules/no-nul.ts'
import { ociVersion } from './rules/oci-version.ts'
import { ociVersionNewer } from './rules/oci-version-newer.ts'
import { oomScoreAdj } from './rules/oom-score-adj.ts'
import { personalityFlags } from './rules/personality-flags.ts'
import { platformLinux } from './rules/platform-linux.ts'
import { rdmaEntries } from './rules/rdma-entries.ts'
import { readonlyPathsAbsolute } from './rules/readonly-paths-absolute.ts'
import { rlimitsKnown } from './rules/rlimits-known.ts'
import { rlimitsOrder } from './rules/rlimits-order.ts'
import { rlimitsUnique } from './rules/rlimits-unique.ts'
import { rootRequired } from './rules/root-required.ts'
import { rootfsNamespace } from './rules/rootfs-namespace.ts'
import { scheduler } from './rules/scheduler.ts'
import { seccompArguments } from './rules/seccomp-arguments.ts'
import { seccompErrno } from './rules/seccomp-errno.ts'
import { seccompListener } from './rules/seccomp-listener.ts'
import { seccompNotify } from './rules/seccomp-notify.ts'
import { sysctlNamespaced } from './rules/sysctl-namespaced.ts'
import { timeOffsets } from './rules/time-offsets.ts'
import { unifiedNames } from './rules/unified-names.ts'
import { userIds } from './rules/user-ids.ts'
import { userGroup } from './rules/user-group.ts'
import { userMapped } from './rules/user-mapped.ts'
import { userRequired } from './rules/user-required.ts'
import { usernsNeedsIdMappings } from './rules/userns-needs-id-mappings.ts'

/**
 * What the specification demands beyond the schema, in the order in which problems are told: that of config.md and
 * config-linux.md, so that a reader meets them as in the text.
 */
export const RULES: readonly Rule[] = [
  // config.md#specification-version
  ociVersion,
  // config.md#platform-specific-configuration
  platformLinux,
  // config.md#valid-values
  noNul,
  // config.md#root
  rootRequired,
  // config.md#mounts
  mountsDestination,
  // config.md#posix-platform-mounts
  mountsKind,
  mountsIdMappings,
  // config.md#process
  argsNotEmpty,
  cwdAbsolute,
  envEntries,
  consoleSize,
  // config.md#posix-process
  rlimitsKnown,
  rlimitsUnique,
  rlimitsOrder,
  // config.md#linux-process
  oomScoreAdj,
  scheduler,
  ioPriority,
  cpuAffinity,
  // config.md#posix-platform-user
  userRequired,
  userIds,
  // config.md#hostname
  hostnameNeedsUts,
  // config.md#domainname
  domainnameNeedsUts,
  // config.md#posix-platform-hooks
  hooksPathAbsolute,
  // config.md#annotations
  annotationsKeys,
  // config-linux.md#namespaces
  namespacesUnique,
  namespacesPathAbsolute,
  // config-linux.md#user-namespace-mappings
  userMapped,
  idMappingsNeedUserns,
  usernsNeedsIdMappings,
  idMappingsRanges,
  // config-linux.md#offset-for-time-namespace
  timeOffsets,
  // config-linux.md#devices
  devicesPathAbsolute,
  devicesNumbers,
  devicesUnique,
  // config-linux.md#network-devices
  netDevices,
  // config-linux.md#cgroups-path
  cgroupsPath,
  // config-linux.md#allowed-device-list
  deviceCgroup,
  // config-linux.md#memory
  memoryLimits,
  // config-linux.md#cpu
  cpuBurst,
  cpuValues,
  // config-linux.md#block-io
  blockIoWeights,
  blockIoDevices,
  // config-linux.md#huge-page-limits
  hugepageLimitsUnique,
  // config-linux.md#rdma
  rdmaEntries,
  // config-linux.md#unified
  unifiedNames,
  // config-linux.md#intelrdt
  intelRdt,
  // config-linux.md#memory-policy
  memoryPolicy,
  // config-linux.md#sysctl
  sysctlNamespaced,
  // config-linux.md#seccomp
  seccompErrno,
  seccompArguments,
  seccompNotify,
  seccompListener,
  // config-linux.md#rootfs-mount-propagation
  rootfsNamespace,
  // config-linux.md#masked-paths
  maskedPathsAbsolute,
  // config-linux.md#readonly-paths
  readonlyPathsAbsolute,
  // config-linux.md#personality
  personalityFlags,
]

/** What the specification wants told, yet not refused. */
export const WARNINGS: readonly Rule[] = [
  mountsDestinationRelative,
  userGroup,
  capabilitiesKnown,
  capabilitiesEffective,
  capabilitiesAmbient,
  ociVersionNewer,
  memoryKernel,
  consoleSizeUnused,
  fieldsOfWindows,
  deviceCgroupWhole,
]
