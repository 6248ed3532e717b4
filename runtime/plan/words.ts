// SPDX-License-Identifier: Apache-2.0
import { capabilityNames } from '../compile/capabilities.ts'
import { IO_PRIORITY_CLASS, IO_PRIORITY_SHIFT } from '../compile/io-priority.ts'
import { MEMORY_POLICY_FLAG, MEMORY_POLICY_MODE } from '../compile/memory-policy.ts'
import { MOUNT_ATTR, MS } from '../compile/mount-options.ts'
import { CLONE_NEW } from '../compile/namespaces.ts'
import { toNumberList } from '../compile/number-mask.ts'
import { PERSONALITY } from '../compile/personality.ts'
import { RLIM_INFINITY, RLIMITS } from '../compile/rlimits.ts'
import { SCHEDULER_FLAG, SCHEDULER_POLICY } from '../compile/scheduler.ts'
import type { OpKind } from './ops.ts'

type Word = (value: never) => string
type Names = Readonly<Record<string, number>>

/** Bits by their names; what has none is shown as a number, and no bits at all as nothing. */
function bits(names: Names): (value: number | bigint) => string {
  const sorted = Object.entries(names).filter(([, bit]) => bit !== 0)
  return (value) => {
    let rest = BigInt(value)
    const found: string[] = []
    for (const [name, bit] of sorted) {
      const wanted = BigInt(bit >>> 0)
      if ((rest & wanted) !== wanted) continue
      found.push(name)
      rest &= ~wanted
    }
    if (rest !== 0n) found.push(`0x${rest.toString(16)}`)
    return found.join('|')
  }
}

/** One of several values. */
function oneOf(names: Names): (value: number) => string {
  return (value) => Object.entries(names).find(([, known]) => known === value)?.[0] ?? String(value)
}

function prefixed(prefix: string, names: Names): Names {
  return Object.fromEntries(Object.entries(names).map(([name, bit]) => [prefix + name, bit]))
}

const octal = (value: number): string => (value === 0 ? '0' : `0${(value >>> 0).toString(8)}`)
const yes = (value: number): string => (value === 0 ? '' : 'yes')

// ATIME is the mask of a field: shown by name when all of it is cleared, its values come before.
const { ATIME, ...attributes } = MOUNT_ATTR
const mountAttributes = bits(prefixed('MOUNT_ATTR_', { ATIME, ...attributes }))
const mountFlags = bits(prefixed('MS_', MS))
const namespaces = bits({
  CLONE_NEWTIME: CLONE_NEW.time,
  CLONE_NEWNS: CLONE_NEW.mount,
  CLONE_NEWCGROUP: CLONE_NEW.cgroup,
  CLONE_NEWUTS: CLONE_NEW.uts,
  CLONE_NEWIPC: CLONE_NEW.ipc,
  CLONE_NEWUSER: CLONE_NEW.user,
  CLONE_NEWPID: CLONE_NEW.pid,
  CLONE_NEWNET: CLONE_NEW.network,
})
const openFlags = bits({
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_NOFOLLOW: 0o400000,
  O_DIRECTORY: 0o200000,
  O_PATH: 0o10000000,
  O_CLOEXEC: 0o2000000,
})
const seccompFlags = bits(
  prefixed('SECCOMP_FILTER_FLAG_', {
    TSYNC: 1 << 0,
    LOG: 1 << 1,
    SPEC_ALLOW: 1 << 2,
    NEW_LISTENER: 1 << 3,
    TSYNC_ESRCH: 1 << 4,
    WAIT_KILLABLE_RECV: 1 << 5,
  }),
)
const fileTypes: Names = { S_IFIFO: 0o010000, S_IFCHR: 0o020000, S_IFBLK: 0o060000 }

function fileMode(value: number): string {
  const type = Object.entries(fileTypes).find(([, bit]) => (value & 0o170000) === bit)?.[0]
  return type === undefined ? octal(value) : `${type}|${octal(value & 0o7777)}`
}

function capabilities(mask: bigint): string {
  return mask === 0n ? 'none' : capabilityNames(mask).join('|') || `0x${mask.toString(16)}`
}

function limit(value: bigint): string {
  return value === RLIM_INFINITY ? 'unlimited' : String(value)
}

/** A decoded plan has bytes that look like text as text. */
function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data
}

function groups(data: string | Uint8Array): string {
  const bytes = toBytes(data)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return `[${Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true)).join(' ')}]`
}

function ioPriority(value: number): string {
  return `${oneOf(IO_PRIORITY_CLASS)(value >> IO_PRIORITY_SHIFT)}:${value & ((1 << IO_PRIORITY_SHIFT) - 1)}`
}

function memoryPolicy(value: number): string {
  const flags = value & ~0x1fff
  const mode = oneOf(MEMORY_POLICY_MODE)(value & 0x1fff)
  return flags === 0 ? mode : `${mode}|${bits(MEMORY_POLICY_FLAG)(flags)}`
}

const numbers = (mask: string | Uint8Array): string => toNumberList(toBytes(mask)) || 'none'
const cpus = (mask: string | Uint8Array): string => toNumberList(toBytes(mask)) || 'all'

const hookWords = {
  timeoutMs: (value: number) => (value === 0 ? '' : String(value)),
  flags: bits({ 'only-warns': 1, 'with-HOME': 2 }),
}

/** Arguments that are more than a number or a text: how they are shown. */
const words: Readonly<Partial<Record<OpKind, Readonly<Record<string, Word>>>>> = {
  'open-tree': { flags: bits({ 'recursive': 1, 'directory': 2, 'nofollow': 4, 'looked-up': 8 }) },
  'open': { flags: openFlags },
  'open-ns': { nstype: namespaces },
  'connect': { socktype: oneOf({ SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_SEQPACKET: 5 }) },
  'cgroup-make': { flags: bits({ 'fill-cpuset': 1 }) },
  'cgroup-remove': { flags: bits({ kill: 1 }) },
  'make-dir': { mode: octal },
  'id-map': { which: oneOf({ uid_map: 0, gid_map: 1 }), flags: bits({ 'deny-setgroups': 1, 'through-helper': 2 }) },
  'prlimit': { resource: (value: number) => RLIMITS[value] ?? String(value), soft: limit, hard: limit },
  'hook': hookWords,
  'hook-into': hookWords,
  'unshare': { flags: namespaces },
  'attach-root': { propagation: mountFlags },
  'ensure': { type: oneOf({ directory: 0, file: 1, like: 2 }), mode: octal },
  'open-tree-rooted': { flags: bits({ recursive: 1 }) },
  'mount-fs': { attr: mountAttributes },
  'mount-fs-like': { attr: mountAttributes },
  'mount-fs-over': { attr: mountAttributes },
  'idmap-tree': { recursive: yes },
  'setattr': { set: mountAttributes, clear: mountAttributes, propagation: mountFlags, recursive: yes },
  'mount-data': { flags: mountFlags },
  'open-rooted': { flags: bits({ nofollow: 1, directory: 2 }) },
  'mknod': { mode: fileMode },
  'pivot': { flags: bits({ 'without-pivot_root': 1 }) },
  'root-attr': { set: mountAttributes, clear: mountAttributes, propagation: mountFlags },
  'console': { flags: bits({ 'bind-/dev/console': 1 }) },
  'umask': { mask: octal },
  'cap-bound': { mask: capabilities },
  'ids': { groups, flags: bits({ 'set-groups': 1 }) },
  'caps': { effective: capabilities, permitted: capabilities, inheritable: capabilities, ambient: capabilities },
  'scheduler': {
    policy: oneOf(SCHEDULER_POLICY),
    flags: bits(SCHEDULER_FLAG),
    nice: (value: number) => String(value | 0),
  },
  'io-priority': { value: ioPriority },
  'cpu-affinity': { mask: cpus },
  'personality': { domain: oneOf(prefixed('PER_', PERSONALITY)) },
  'memory-policy': { mode: memoryPolicy, nodes: numbers },
  'seccomp': { flags: seccompFlags },
}

/** An argument by the names of its bits, '' for none of them; undefined for an argument that speaks for itself. */
export function wordOf(kind: OpKind, argument: string, value: unknown): string | undefined {
  const word = words[kind]?.[argument] as ((value: unknown) => string) | undefined
  return word?.(value)
}

/** CLONE_NEW* of a word. */
export const namespaceWord: (value: number) => string = namespaces
