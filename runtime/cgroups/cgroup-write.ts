// SPDX-License-Identifier: Apache-2.0
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

/**
 * A number of config.json as the kernel reads it. JSON numbers above 2^53 have lost their last
 * digits, so that the largest signed value arrives as one too many: it is brought back into range.
 */
export function toDecimal(value: number, range: 'int64' | 'uint64' = 'int64'): string {
  if (Number.isSafeInteger(value)) return String(value)
  const exact = BigInt(Math.trunc(value))
  const most = range === 'int64' ? maxInt64 : maxUint64
  return String(exact > most ? most : exact)
}
