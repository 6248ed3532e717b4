// SPDX-License-Identifier: Apache-2.0
// Filters of system calls: the default one, and those of files in Docker's form. Pure.

import type { Arch, LinuxSeccomp, LinuxSyscall } from '../../spec/runtime/seccomp.ts'
import { DockError } from '../error.ts'
import { allowedCalls } from './seccomp-policy.ts'

/** What a filter is made for. */
export interface SeccompTarget {
  /** As images name it: amd64. */
  readonly architecture: string
  readonly capabilities: readonly string[]
  /** Its release: 6.18.1. */
  readonly kernel: string
}

/** The machine's own architecture first; then those whose programs it runs, too. */
const architectures: Readonly<Record<string, readonly Arch[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  '386': ['SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  arm: ['SCMP_ARCH_ARM'],
  ppc64le: ['SCMP_ARCH_PPC64LE'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
  loong64: ['SCMP_ARCH_LOONGARCH64'],
}

const EPERM = 1
const ENOSYS = 38
/** Of clone(2): all that makes a namespace. */
const NEW_NAMESPACES = 0x7e020000
/** Families of socket(2) that reach beyond the container's network, or whose code is rarely used and often broken. */
const AF_ALG = 38
const AF_VSOCK = 40
/** personality(2): what setarch and old programs set. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]

/** One rule for each stretch of families: all but the two. */
function sockets(): readonly LinuxSyscall[] {
  const rule = (value: number, op: 'SCMP_CMP_LT' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GT'): LinuxSyscall => ({
    names: ['socket'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value, op }],
  })
  return [rule(AF_ALG, 'SCMP_CMP_LT'), rule(AF_ALG + 1, 'SCMP_CMP_EQ'), rule(AF_VSOCK, 'SCMP_CMP_GT')]
}

/** Threads and processes, without new namespaces. clone3 hides its flags in memory: libc falls back to clone. */
function clones(architecture: string): readonly LinuxSyscall[] {
  const index = architecture === 's390x' ? 1 : 0
  return [
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ]
}

/** What containers get unless told otherwise. */
export function defaultSeccomp({ architecture, capabilities }: SeccompTarget): LinuxSeccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: architectures[architecture] ?? [],
    syscalls: [
      { names: allowedCalls(architecture, capabilities), action: 'SCMP_ACT_ALLOW' },
      ...sockets(),
      ...personalities.map(
        (value): LinuxSyscall => ({
          names: ['personality'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
        }),
      ),
      ...(capabilities.includes('CAP_SYS_ADMIN') ? [] : clones(architecture)),
    ],
  }
}

interface Condition {
  readonly caps?: readonly string[]
  readonly arches?: readonly string[]
  readonly minKernel?: string
}

interface ProfileCall extends LinuxSyscall {
  readonly name?: string
  readonly comment?: string
  readonly includes?: Condition
  readonly excludes?: Condition
}

interface Profile extends Omit<LinuxSeccomp, 'syscalls'> {
  readonly archMap?: readonly { readonly architecture: Arch; readonly subArchitectures?: readonly Arch[] | null }[]
  readonly syscalls?: readonly ProfileCall[]
}

function atLeast(kernel: string, wanted: string): boolean {
  const [a = 0, b = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  const [c = 0, d = 0] = wanted.split('.').map((part) => Number.parseInt(part, 10))
  return a > c || (a === c && b >= d)
}

/** Profiles have another name for one architecture than images. */
const profileName = (architecture: string): string => (architecture === '386' ? 'x86' : architecture)

function isIncluded({ caps, arches, minKernel }: Condition, target: SeccompTarget): boolean {
  if (arches !== undefined && arches.length > 0 && !arches.includes(profileName(target.architecture))) return false
  if (caps !== undefined && !caps.every((one) => target.capabilities.includes(one))) return false
  return minKernel === undefined || minKernel === '' || atLeast(target.kernel, minKernel)
}

function isExcluded({ caps, arches, minKernel }: Condition, target: SeccompTarget): boolean {
  if (arches?.includes(profileName(target.architecture)) === true) return true
  if (caps?.some((one) => target.capabilities.includes(one)) === true) return true
  return minKernel !== undefined && minKernel !== '' && atLeast(target.kernel, minKernel)
}

/** A filter from a file: in Docker's form, with conditions, or as config.json has it. Errors: DockError; path is for them. */
export function parseSeccompProfile(text: string, path: string, target: SeccompTarget): LinuxSeccomp {
  let profile: Profile
  try {
    profile = JSON.parse(text) as Profile
  } catch {
    throw new DockError(`the seccomp profile ${path}: it is no JSON`, { exitCode: 125 })
  }
  if (typeof profile !== 'object' || profile === null || typeof profile.defaultAction !== 'string') {
    throw new DockError(`the seccomp profile ${path}: it has no defaultAction`, { exitCode: 125 })
  }
  const { archMap, syscalls = [], ...rest } = profile
  const own = architectures[target.architecture]?.[0]
  const mapped = archMap?.find(({ architecture }) => architecture === own)
  const calls = syscalls
    .filter(({ includes = {}, excludes = {} }) => isIncluded(includes, target) && !isExcluded(excludes, target))
    .map(({ name, names, comment: _, includes: __, excludes: ___, ...call }) => ({
      ...call,
      names: names ?? (name === undefined ? [] : [name]),
    }))
  return {
    ...rest,
    ...(mapped === undefined ? {} : { architectures: [mapped.architecture, ...(mapped.subArchitectures ?? [])] }),
    syscalls: calls,
  }
}
