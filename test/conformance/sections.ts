// SPDX-License-Identifier: Apache-2.0
// Sections of the specification and the tests of real containers that are about them: a file in test/host for each.

/** Anchor of a section -> files in test/host, without `.test.ts`. */
export const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  'config.md#specification-version': ['oci-version'],
  'config.md#root': ['root'],
  'config.md#mounts': ['mounts', 'mount-options', 'mount-types', 'mount-idmap'],
  'config.md#process': ['process', 'terminal'],
  'config.md#posix-process': ['rlimits'],
  'config.md#linux-process': ['linux-process', 'capabilities'],
  'config.md#posix-platform-user': ['user'],
  'config.md#hostname': ['hostname'],
  'config.md#domainname': ['hostname'],
  'config.md#posix-platform-hooks': ['hooks'],
  'config.md#annotations': ['annotations'],
  'config-linux.md#linux-container-configuration': ['namespaces'],
  'config-linux.md#namespaces': ['namespaces'],
  'config-linux.md#user-namespace-mappings': ['user-namespaces'],
  'config-linux.md#offset-for-time-namespace': ['time-offsets'],
  'config-linux.md#devices': ['devices'],
  'config-linux.md#network-devices': ['network-devices'],
  'config-linux.md#cgroups-path': ['cgroups-path'],
  'config-linux.md#control-groups': ['cgroups-path', 'cgroups-v2'],
  'config-linux.md#allowed-device-list': ['cgroups-devices'],
  'config-linux.md#memory': ['cgroups-memory'],
  'config-linux.md#cpu': ['cgroups-cpu'],
  'config-linux.md#block-io': ['cgroups-block-io'],
  'config-linux.md#huge-page-limits': ['cgroups-huge-pages'],
  'config-linux.md#network': ['cgroups-network'],
  'config-linux.md#pids': ['cgroups-pids'],
  'config-linux.md#rdma': ['cgroups-rdma'],
  'config-linux.md#unified': ['cgroups-unified'],
  'config-linux.md#intelrdt': ['intel-rdt'],
  'config-linux.md#memory-policy': ['memory-policy'],
  'config-linux.md#sysctl': ['sysctl'],
  'config-linux.md#seccomp': ['seccomp', 'seccomp-notify'],
  'config-linux.md#rootfs-mount-propagation': ['rootfs-propagation'],
  'config-linux.md#masked-paths': ['masked-paths'],
  'config-linux.md#readonly-paths': ['readonly-paths'],
  'config-linux.md#mount-label': ['mount-label'],
  'config-linux.md#personality': ['personality'],
}

/** Fields that no container of the test machines can have, and what stands in for a test of one. */
export const NOT_EXERCISED: Readonly<Record<string, string>> = {
  'process.commandLine': 'for Windows: told to be ignored',
  'process.user.username': 'for Windows: told to be ignored',
  'process.selinuxLabel': 'wants a kernel with SELinux; without it, the refusal is tested (linux-process)',
  'linux.resources.blockIO.leafWeight': 'left the kernel with Linux 5.0; the refusal is tested (cgroups-block-io)',
  'linux.resources.blockIO.weightDevice[].leafWeight':
    'left the kernel with Linux 5.0; the refusal is tested (cgroups-block-io)',
  'linux.resources.rdma{}': 'wants an RDMA device; the refusal is tested (cgroups-rdma)',
  'linux.resources.rdma{}.hcaHandles': 'wants an RDMA device; the refusal is tested (cgroups-rdma)',
  'linux.resources.rdma{}.hcaObjects': 'wants an RDMA device; the refusal is tested (cgroups-rdma)',
  'linux.personality.flags[]': 'the specification defines none: any is refused',
}

/** Fields of which every value is refused, and why. */
export const REFUSED: Readonly<Record<string, string>> = {
  'linux.personality.flags[]': 'refused: there are none yet',
}

const otherByteOrder = 'has another byte order than the test machines: the refusal is tested (seccomp)'
const laterLibrary = 'is for libseccomp 2.6'

/** Names of fields that no test exercises on a kernel, and why. */
export const NAMES_NOT_EXERCISED: Readonly<Record<string, string>> = {
  'process.scheduler.policy=SCHED_ISO': 'is reserved by the kernel, which refuses it (linux-process)',
  'process.scheduler.flags[]=SCHED_FLAG_UTIL_CLAMP_MIN': 'wants a kernel with CONFIG_UCLAMP_TASK (linux-process)',
  'process.scheduler.flags[]=SCHED_FLAG_UTIL_CLAMP_MAX': 'wants a kernel with CONFIG_UCLAMP_TASK (linux-process)',
  'linux.seccomp.defaultAction=SCMP_ACT_NOTIFY': 'cannot be: the listener could never be handed over',
  ...architectures(
    ['MIPS', 'MIPS64', 'MIPS64N32', 'PPC', 'PPC64', 'S390', 'S390X', 'PARISC', 'PARISC64'],
    otherByteOrder,
  ),
  ...architectures(['LOONGARCH64', 'M68K', 'SH', 'SHEB'], laterLibrary),
}

function architectures(names: readonly string[], why: string): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [`linux.seccomp.architectures[]=SCMP_ARCH_${name}`, why]))
}

/** Sections of other platforms: parsed, validated, and refused with one sentence. */
export const OTHER_PLATFORMS: readonly string[] = ['freebsd', 'solaris', 'vm', 'windows', 'zos']
