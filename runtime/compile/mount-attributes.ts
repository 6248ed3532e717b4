// SPDX-License-Identifier: Apache-2.0
import type { FdSlot, Op, Provenance } from '../plan/ops.ts'
import { type AttributeChange, MOUNT_ATTR, type MountOptions, MS } from './mount-options.ts'

/** One mount_setattr: attributes (MOUNT_ATTR_*) and propagation (MS_* without MS_REC, 0 for none). */
export interface MountChange extends AttributeChange {
  readonly propagation: number
  /** Also for all mounts below. */
  readonly recursive: boolean
}

/** One change after another, as one: what the second clears of the first is not set. */
export function joinAttributes(first: AttributeChange, second: AttributeChange): AttributeChange {
  const set = (first.set & ~second.clear) | second.set
  // Times of access are one field: it is cleared whole, even for a value that is set.
  const kept = set & ~MOUNT_ATTR.ATIME
  return { set, clear: (first.clear | second.clear) & ~kept }
}

/**
 * What the options of a mount change about a tree, in as few steps as there can be.
 * `inherited`: propagation (MS_* without MS_REC) that the tree has before any of its options; 0 leaves it.
 * `whole`: the tree may have mounts below its own.
 */
export function mountChanges(options: MountOptions, inherited: number, whole: boolean): MountChange[] {
  const steps: MountChange[] = []
  const { attributes, recursiveAttributes, propagation } = options
  const bits = attributes.set | attributes.clear | recursiveAttributes.set | recursiveAttributes.clear | inherited
  if (bits === 0 && propagation.length === 0) return steps
  const add = (change: MountChange): void => {
    if ((change.set | change.clear | change.propagation) === 0) return
    const last = steps[steps.length - 1]
    if (last?.recursive === change.recursive && (last.propagation === 0 || change.propagation === 0)) {
      const { recursive } = change
      steps[steps.length - 1] = {
        ...joinAttributes(last, change),
        propagation: last.propagation | change.propagation,
        recursive,
      }
    } else steps.push(change)
  }
  add({ ...attributes, propagation: 0, recursive: false })
  add({ ...recursiveAttributes, propagation: 0, recursive: whole })
  for (const kind of propagationSteps(propagation, inherited)) {
    add({ set: 0, clear: 0, propagation: kind & ~MS.REC, recursive: whole && (kind & MS.REC) !== 0 })
  }
  return steps
}

/** A recursive word makes the inherited one moot; but shared after slave is both. */
function propagationSteps(listed: readonly number[], inherited: number): readonly number[] {
  const [first = 0] = listed
  const covered = (first & MS.REC) !== 0 && ((first & MS.SHARED) === 0 || inherited === MS.SHARED)
  return inherited === 0 || covered ? listed : [inherited | MS.REC, ...listed]
}

export function toSetattr(slot: FdSlot, change: MountChange, origin: Provenance): Op {
  return {
    kind: 'setattr',
    slot,
    set: BigInt(change.set),
    clear: BigInt(change.clear),
    propagation: change.propagation,
    recursive: change.recursive ? 1 : 0,
    userns: null,
    ...origin,
  }
}

/** One op for each change. */
export function setattrOps(slot: FdSlot, changes: readonly MountChange[], origin: Provenance): Op[] {
  const ops: Op[] = []
  for (const change of changes) ops.push(toSetattr(slot, change, origin))
  return ops
}

/** A clone of a host's mount is its peer until told otherwise: what is mounted on it would show on the host. */
export function unshareTree(slot: FdSlot, origin: Provenance): Op {
  return toSetattr(slot, { set: 0, clear: 0, propagation: MS.PRIVATE, recursive: false }, origin)
}
