// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { FdSlot } from './ops.ts'

/** How many slots the executor has. */
export const MAX_SLOTS = 256

/** Hands out slots: each op that opens something gets one of its own, so that no two can be mixed up. */
export class SlotAllocator {
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Errors: not-supported when the config needs more descriptors than the executor has. */
  next(): FdSlot {
    if (this.#count === MAX_SLOTS) {
      throw new TsrunError(
        'not-supported',
        `config: it needs more than ${MAX_SLOTS} open sources; give fewer bind mounts and devices`,
      )
    }
    return this.#count++ as FdSlot
  }
}
