// SPDX-License-Identifier: Apache-2.0
// Wrong values for every field of a config, by what the schema says of it, and for what only rules know: three at least.

import { pointerKeys } from '../../spec/pointer.ts'
import type { Json } from '../unit/spec/configs.ts'
import { allPointers, withValue } from '../unit/spec/mutate.ts'
import { type Field, fieldAt, isLeaf } from './fields.ts'

export interface WrongValue {
  readonly value: unknown
  readonly why: string
}

const WRONG_TYPES: Readonly<Record<string, readonly unknown[]>> = {
  string: [7, true, ['x'], { x: 'y' }],
  integer: ['7', true, 0.5, [1], {}],
  boolean: ['true', 1, [], {}],
  object: ['x', 7, true, ['x']],
  list: ['x', 7, false, { x: 1 }],
  map: ['x', 7, true, ['x']],
}

/** Texts that no field of the format takes, by the end of its name. The first one that fits counts. */
const WRONG_TEXTS: readonly (readonly [field: RegExp, values: readonly string[], why: string])[] = [
  [/^ociVersion$/, ['', 'one', '1.0', '2.0.0'], 'no version that is known'],
  [/^(hooks\.\w+\[\]\.path|process\.cwd)$/, ['', 'relative'], 'no absolute path'],
  [/^linux\.devices\[\]\.path$/, ['', 'relative', 'dev/null'], 'no absolute path'],
  [/^linux\.(maskedPaths|readonlyPaths)\[\]$/, ['', 'relative', './x'], 'no absolute path'],
  [/^process\.env\[\]$/, ['NOVALUE', '=x'], 'not NAME=VALUE'],
  [/^process\.rlimits\[\]\.type$/, ['RLIMIT_NOSUCH', 'nofile', ''], 'no limit'],
  [/^linux\.resources\.cpu\.(cpus|mems)$/, ['a', '3-1', '1,,2'], 'no list of numbers'],
  [/^process\.execCPUAffinity\.(initial|final)$/, ['a', '3-1', '1,,2'], 'no list of numbers'],
  [/^linux\.memoryPolicy\.nodes$/, ['a', '3-1', '1,,2'], 'no list of numbers'],
  [/^linux\.resources\.hugepageLimits\[\]\.pageSize$/, ['2', '2mb', '0MB', ''], 'no page size'],
  [/^linux\.resources\.devices\[\]\.type$/, ['x', 'p', 'char'], 'no type of device'],
  [/^linux\.resources\.devices\[\]\.access$/, ['x', 'rwx'], 'no access'],
  [/^linux\.devices\[\]\.type$/, ['x', 'a', 'char'], 'no type of device'],
  [/^linux\.netDevices\{\}\.name$/, ['a b', 'a/b', 'much-too-long-a-name'], 'no name of a device'],
  [/^linux\.intelRdt\.closID$/, ['a/b', '..', '.'], 'no name of a directory'],
  [/^linux\.intelRdt\.memBwSchema$/, ['L3:0=f', 'MB'], 'not a line that starts with MB:'],
  [/^linux\.intelRdt\.(schemata\[\]|l3CacheSchema)$/, ['L3:0=f\nMB:0=1'], 'more than a line'],
  [/^linux\.seccomp\.syscalls\[\]\.names\[\]$/, [''], 'no name'],
  [/^linux\.personality\.flags\[\]$/, ['ADDR_NO_RANDOMIZE'], 'no flag that is known'],
]

/** Numbers that the schema takes and the field does not. */
const WRONG_NUMBERS: readonly (readonly [field: RegExp, values: readonly number[]])[] = [
  [/^process\.oomScoreAdj$/, [-1001, 1001]],
  [/^process\.user\.(uid|gid)$/, [4294967295]],
  [/^process\.scheduler\.nice$/, [-21, 20]],
  [/^process\.ioPriority\.priority$/, [-1, 8]],
  [/^linux\.seccomp\.syscalls\[\]\.args\[\]\.index$/, [6]],
  [/^linux\.timeOffsets\.\w+\.nanosecs$/, [1000000000]],
  [/^linux\.resources\.cpu\.idle$/, [2, -1]],
  [/^linux\.resources\.blockIO\.(weight|leafWeight)$/, [9, 1001]],
]

/** Values that the field must not have, each with what is wrong with it. */
export function wrongValues(field: Field): readonly WrongValue[] {
  const found: WrongValue[] = []
  const add = (why: string, values: readonly unknown[]): void => {
    for (const value of values) found.push({ value, why })
  }
  add(`no ${field.type}`, WRONG_TYPES[field.type] ?? [])
  if (field.names.length > 0) add('unknown name', ['NO_SUCH_NAME', '', field.names[0]?.toLowerCase() ?? ''])
  if (field.type === 'integer') {
    if (field.minimum !== undefined) add('below the minimum', [below(field.minimum)])
    if (field.maximum !== undefined) add('above the maximum', [above(field.maximum)])
  }
  for (const [pattern, values, why] of WRONG_TEXTS) if (pattern.test(field.path)) add(why, values)
  for (const [pattern, values] of WRONG_NUMBERS) if (pattern.test(field.path)) add('out of range', values)
  // What a NUL ends is not what the config says; kernels and programs never see the rest.
  if (field.type === 'string' && isLeaf(field) && !field.path.startsWith('annotations')) add('a NUL', ['a\0b'])
  // Some names are written in small letters, and an empty one may stand for none.
  return found.filter(({ value }) => !field.names.includes(value as string) && !isAllowed(field, value))
}

const below = (bound: number): number => (Number.isSafeInteger(bound) ? bound - 1 : bound * 1.01)
const above = (bound: number): number => (Number.isSafeInteger(bound) ? bound + 1 : bound * 1.01)

function isAllowed({ path }: Field, value: unknown): boolean {
  return path === 'linux.rootfsPropagation' && value === ''
}

/** One wrong value in a config that is fine without it. */
export interface WrongConfig extends WrongValue {
  readonly field: Field
  readonly pointer: string
  readonly config: Json
}

/** Where a sample has a list without entries. */
const MORE: Readonly<Record<string, unknown>> = { '/linux/personality/flags/0': 'X' }

/** All wrong values of all fields, each in a config. */
export function wrongConfigs(configs: readonly Json[], fields: readonly Field[]): readonly WrongConfig[] {
  const known = new Map(fields.map((field) => [field.path, field]))
  const done = new Set<string>()
  const found: WrongConfig[] = []
  for (const base of configs) {
    for (const pointer of [...allPointers(base), ...Object.keys(MORE)]) {
      const field = fieldAt(pointerKeys(pointer), known)
      if (field === undefined || done.has(field.path)) continue
      done.add(field.path)
      for (const wrong of wrongValues(field)) {
        found.push({ ...wrong, field, pointer, config: withValue(base, pointer, wrong.value) })
      }
    }
  }
  return found
}

/** Fields that are fine alone and not together: what is changed in a config, and the pointer that is named. */
export const CONFLICTS: readonly (readonly [changes: Readonly<Record<string, unknown>>, pointer: string])[] = [
  [{ '/linux/namespaces': namespaces('mount', 'pid') }, '/hostname'],
  [{ '/linux/namespaces': namespaces('mount', 'pid') }, '/domainname'],
  [{ '/linux/namespaces': namespaces('mount', 'pid') }, '/linux/sysctl/net.core.somaxconn'],
  [{ '/linux/namespaces': namespaces('mount', 'pid') }, '/linux/uidMappings'],
  [{ '/linux/namespaces': namespaces('mount', 'pid') }, '/linux/timeOffsets'],
  [{ '/linux/namespaces': namespaces('mount', 'pid') }, '/linux/netDevices'],
  [
    { '/linux/namespaces': [...namespaces('mount'), { type: 'user' }], '/linux/uidMappings': undefined },
    '/linux/uidMappings',
  ],
  [{ '/process/scheduler': { policy: 'SCHED_OTHER', priority: 3 } }, '/process/scheduler/priority'],
  [{ '/process/rlimits/0/soft': 700 }, '/process/rlimits/0/soft'],
  [{ '/process/user/uid': 70000 }, '/process/user/uid'],
  [{ '/linux/seccomp/listenerPath': undefined }, '/linux/seccomp/listenerMetadata'],
  [{ '/linux/memoryPolicy/mode': 'MPOL_LOCAL' }, '/linux/memoryPolicy/nodes'],
  [{ '/linux/resources/cpu/burst': 1000001 }, '/linux/resources/cpu/burst'],
  [{ '/mounts/1/options': ['rbind', 'idmap'], '/mounts/1/gidMappings': undefined }, '/mounts/1/gidMappings'],
]

function namespaces(...types: readonly string[]): readonly Json[] {
  return types.map((type) => ({ type }))
}
