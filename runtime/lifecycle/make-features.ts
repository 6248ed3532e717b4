// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES } from '../../spec/capability.ts'
import type { Features } from '../../spec/runtime/features.ts'
import type { MemoryPolicyFlagType, MemoryPolicyModeType } from '../../spec/runtime/linux.ts'
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { LinuxSeccompAction, LinuxSeccompFlag, LinuxSeccompOperator } from '../../spec/runtime/seccomp.ts'
import { KNOWN_PREFIX } from '../compile/annotations.ts'
import { mountOptionNames } from '../compile/mount-options.ts'
import { PROPERTY_PREFIX } from '../cgroups/systemd/annotations.ts'
import { seccompArchitectures } from '../seccomp/architectures.ts'
import { specVersion } from '../../spec/version.ts'

/** What the build knows of itself. */
export interface BuildInfo {
  readonly version: string
  readonly commit: string
  /** Version that tsrun-seccomp is linked with. */
  readonly libseccomp: string
  /** Version that tsrun-systemd is linked with; '' when it was built without. */
  readonly libsystemd: string
}

/** All names of a union: one that is missing is an error of the compiler. */
function namesOf<T extends string>(names: Readonly<Record<T, true>>): readonly T[] {
  return Object.keys(names) as T[]
}

const namespaces = namesOf<LinuxNamespaceType>({
  cgroup: true,
  ipc: true,
  mount: true,
  network: true,
  pid: true,
  time: true,
  user: true,
  uts: true,
})

const actions = namesOf<LinuxSeccompAction>({
  SCMP_ACT_ALLOW: true,
  SCMP_ACT_ERRNO: true,
  SCMP_ACT_KILL: true,
  SCMP_ACT_KILL_PROCESS: true,
  SCMP_ACT_KILL_THREAD: true,
  SCMP_ACT_LOG: true,
  SCMP_ACT_NOTIFY: true,
  SCMP_ACT_TRACE: true,
  SCMP_ACT_TRAP: true,
})

const operators = namesOf<LinuxSeccompOperator>({
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_MASKED_EQ: true,
  SCMP_CMP_NE: true,
})

const flags = namesOf<LinuxSeccompFlag>({
  SECCOMP_FILTER_FLAG_LOG: true,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: true,
  SECCOMP_FILTER_FLAG_TSYNC: true,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: true,
})

const memoryModes = namesOf<MemoryPolicyModeType>({
  MPOL_BIND: true,
  MPOL_DEFAULT: true,
  MPOL_INTERLEAVE: true,
  MPOL_LOCAL: true,
  MPOL_PREFERRED: true,
  MPOL_PREFERRED_MANY: true,
  MPOL_WEIGHTED_INTERLEAVE: true,
})

const memoryFlags = namesOf<MemoryPolicyFlagType>({
  MPOL_F_NUMA_BALANCING: true,
  MPOL_F_RELATIVE_NODES: true,
  MPOL_F_STATIC_NODES: true,
})

/** Architectures that came with libseccomp 2.6. */
const later: ReadonlySet<string> = new Set(['LOONGARCH64', 'M68K', 'SH', 'SHEB'].map((name) => `SCMP_ARCH_${name}`))

/** An architecture that the library does not know cannot be put into a filter. */
function architecturesOf(libseccomp: string): readonly string[] {
  const [major = 0, minor = 0] = libseccomp.split('.').map(Number)
  const has26 = major > 2 || (major === 2 && minor >= 6)
  return Object.keys(seccompArchitectures)
    .filter((name) => has26 || !later.has(name))
    .sort()
}

/** What this runtime can do, on whatever host. Spec: features.md, features-linux.md */
export function makeFeatures({ version, commit, libseccomp, libsystemd }: BuildInfo): Features {
  const systemd = libsystemd !== ''
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: mountOptionNames(),
    linux: {
      namespaces,
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd, systemdUser: systemd, rdma: true },
      seccomp: {
        enabled: true,
        actions,
        operators,
        archs: architecturesOf(libseccomp),
        knownFlags: flags,
        supportedFlags: flags,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: memoryModes, flags: memoryFlags },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {
      'io.github.seccomp.libseccomp.version': libseccomp,
      'org.opencontainers.runc.checkpoint.enabled': 'true',
      'tsrun.commit': commit,
      'tsrun.version': version,
    },
    potentiallyUnsafeConfigAnnotations: [KNOWN_PREFIX, ...(systemd ? [PROPERTY_PREFIX] : []), 'org.criu.config'],
  }
}
