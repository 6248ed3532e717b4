// SPDX-License-Identifier: Apache-2.0
import { pointerKeys, pointerTo, pointerValue } from '../../../spec/pointer.ts'
import type { Json } from './configs.ts'

/** A pseudo-random sequence that is the same on every machine (mulberry32). */
export function sequence(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Pointers to all values of a document but its root, in order. */
export function allPointers(value: unknown, base = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const pointer = pointerTo(base, key)
    return [pointer, ...allPointers(inner, pointer)]
  })
}

/** A copy with another value at a pointer; undefined takes the field or entry away. */
export function withValue(document: Json, pointer: string, value: unknown): Json {
  const copy = JSON.parse(JSON.stringify(document)) as Json // unlike structuredClone, keeps no parts shared
  const keys = pointerKeys(pointer)
  let parent = copy as Record<string, unknown>
  for (const key of keys.slice(0, -1)) {
    parent[key] ??= {}
    parent = parent[key] as Record<string, unknown>
  }
  const last = keys.at(-1) ?? ''
  if (value !== undefined) parent[last] = value
  else if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete parent[last]
  return copy
}

/** One change of a document, and where. */
export interface Mutation {
  readonly pointer: string
  readonly what: string
  readonly document: Json
}

const WRONG: readonly unknown[] = [
  null,
  true,
  'x',
  '',
  7,
  -1,
  0.5,
  256,
  65536,
  4294967296,
  2 ** 64,
  2 ** 65,
  [],
  {},
  [1],
  ['x', null],
  { x: 1 },
  { '': 'y' },
]

const BOUNDS: readonly number[] = [
  0,
  1,
  -128,
  255,
  256,
  511,
  512,
  65535,
  65536,
  -2147483648,
  -2147483649,
  2147483647,
  2147483648,
  4294967295,
  4294967296,
  -(2 ** 63),
  -(2 ** 63) * 1.01,
  2 ** 63,
  2 ** 63 * 1.01,
  2 ** 64,
  2 ** 64 * 1.01,
]

const prefixed = (prefix: string, names: string): readonly string[] => names.split(' ').map((name) => prefix + name)

/** Every name that the specification defines, and some that it does not. */
const NAMES: readonly string[] = [
  ...prefixed('SCMP_ACT_', 'KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY NONE'),
  ...prefixed('SCMP_CMP_', 'NE LT LE EQ GE GT MASKED_EQ NOT'),
  ...prefixed('SECCOMP_FILTER_FLAG_', 'TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV NEW_LISTENER'),
  ...prefixed('SCMP_ARCH_', 'NATIVE X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32'),
  ...prefixed('SCMP_ARCH_', 'PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB'),
  ...prefixed('SCHED_', 'OTHER FIFO RR BATCH ISO IDLE DEADLINE EXT'),
  ...prefixed(
    'SCHED_FLAG_',
    'RESET_ON_FORK RECLAIM DL_OVERRUN KEEP_POLICY KEEP_PARAMS UTIL_CLAMP_MIN UTIL_CLAMP_MAX ALL',
  ),
  ...prefixed('IOPRIO_CLASS_', 'RT BE IDLE NONE'),
  ...prefixed('MPOL_', 'DEFAULT BIND INTERLEAVE WEIGHTED_INTERLEAVE PREFERRED PREFERRED_MANY LOCAL MAX'),
  ...prefixed('MPOL_F_', 'NUMA_BALANCING RELATIVE_NODES STATIC_NODES NODE'),
  ...prefixed('', 'pid network mount ipc uts user cgroup time net private shared slave unbindable LINUX LINUX32 BSD'),
  ...prefixed(
    '',
    'creating created running stopped paused disable new inherit raw qcow2 vdi vmdk vhd iso class b c u p a',
  ),
]

/** Texts at the border of some pattern. */
const TEXTS: readonly string[] = [
  '64KB',
  '64kB',
  '0MB',
  '1GB',
  '1TB',
  '12',
  'RLIMIT_AS',
  'RLIMIT_as',
  'RLIMIT_',
  'xRLIMIT_AS',
  'MB:',
  'MB:0=1\n',
  'xMB:',
  '0-3,7',
  '0:1',
  'CAP_X',
  'CAP_x',
]

/** Every field and entry of a document, taken away and replaced by each value of the lists above. */
export function mutateAll(document: Json): readonly Mutation[] {
  return allPointers(document).flatMap((pointer) => {
    const old = pointerValue(document, pointer)
    const values = [...WRONG, ...(typeof old === 'number' ? BOUNDS : []), ...(typeof old === 'string' ? TEXTS : [])]
    if (typeof old === 'string' && NAMES.includes(old)) values.push(...NAMES)
    return [undefined, ...values].map((value) => ({
      pointer,
      what: value === undefined ? 'removed' : JSON.stringify(value),
      document: withValue(document, pointer, value),
    }))
  })
}

/** The n-th random change of a document. */
export function mutate(document: Json, random: (below: number) => number): Mutation {
  const pointers = allPointers(document)
  const pointer = pointers[random(pointers.length)] ?? ''
  const old = pointerValue(document, pointer)
  const kind = random(5)
  if (kind === 0) return { pointer, what: 'removed', document: withValue(document, pointer, undefined) }
  if (kind === 1 && typeof old === 'string') {
    const value = [old.toLowerCase(), `${old} `, `${old}\n`, old.slice(1), `${old}X`][random(5)] ?? ''
    return { pointer, what: JSON.stringify(value), document: withValue(document, pointer, value) }
  }
  if (kind === 1 && typeof old === 'number') {
    const value = [old + 1, -old, old * 1000000, old + 0.5, String(old)][random(5)]
    return { pointer, what: JSON.stringify(value), document: withValue(document, pointer, value) }
  }
  if (kind === 2 && typeof old === 'object' && old !== null) {
    const value = Array.isArray(old)
      ? [...old, WRONG[random(WRONG.length)]]
      : { ...old, unknown: WRONG[random(WRONG.length)] }
    return { pointer, what: 'one more', document: withValue(document, pointer, value) }
  }
  const value = WRONG[random(WRONG.length)]
  return { pointer, what: JSON.stringify(value), document: withValue(document, pointer, value) }
}
