// SPDX-License-Identifier: Apache-2.0
import { exactInteger } from '../../spec/exact-integer.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { Op, Tolerated } from '../plan/ops.ts'

/** One limit: what is written to which file of a controller, and the field that asked for it. */
export interface CgroupWrite {
  /** v1: the hierarchy that the file lives in; v2: the controller that must be enabled. */
  readonly controller: string
  readonly file: string
  readonly value: string
  /** JSON pointer of the field, or `runtime` for what every container gets. */
  readonly pointer: string
  readonly tolerate?: readonly Tolerated[]
}

/** The op that writes a limit into a cgroup directory. */
export function toWriteOp(directory: string, write: CgroupWrite): Op {
  return {
    kind: 'write-file',
    path: `${directory}/${write.file}`,
    data: write.value,
    cause: write.pointer,
    label: write.pointer.startsWith('/') ? pointerLabel(write.pointer) : `default of ${write.controller}`,
    ...(write.tolerate === undefined ? {} : { tolerate: write.tolerate }),
  }
}

const maxInt64 = 2n ** 63n - 1n
const maxUint64 = 2n ** 64n - 1n

/** A number of config.json as the kernel reads it: one that is too large counts as the largest. */
export function toDecimal<T extends object>(holder: T, key: keyof T & string, range: Range = 'int64'): string {
  return inRange(exactInteger(holder, key), range)
}

type Range = 'int64' | 'uint64'

/** The same for a number that was computed. */
export function inRange(value: bigint, range: Range = 'int64'): string {
  const most = range === 'int64' ? maxInt64 : maxUint64
  return String(value > most ? most : value)
}
