// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { mountChanges, setattrOps } from './mount-attributes.ts'
import { refuseFsOptions } from './mount-bind.ts'
import { invalidMount, type MountEntry } from './mount-entry.ts'
import { isPseudo } from './mount-fs.ts'
import { isIdMapped } from './mount-idmap.ts'
import { MOUNT_ATTR, MS, toMountFlags } from './mount-options.ts'

/**
 * Changes a mount that is there already: the option remount, or propagation without a type. Attributes that no option
 * names stay as they are.
 */
export function compileChange(entry: MountEntry): Op[] {
  const { context, options, origin, destination } = entry
  if (options.copyUp) throw invalidMount(entry, 'tmpcopyup is for a new tmpfs, not for a mount that is there already')
  if (isIdMapped(entry)) throw invalidMount(entry, 'ids of a mount that is there already cannot be mapped any more')
  if (options.bind) refuseFsOptions(entry)
  const changes = mountChanges(options, 0, true)
  // With "bind" it is about this mount alone, and the file system may be the host's.
  const flags = options.bind ? 0 : superFlags(entry)
  const data = options.bind ? [] : options.data
  const ops: Op[] = []
  // First, because a remount decides about read-only anew.
  if (flags !== 0 || data.length > 0) ops.push(remountData(entry, flags))
  if (changes.length > 0) {
    const slot = context.targetSlot()
    ops.push({ kind: 'open-rooted', path: destination, flags: 0, slot, ...origin })
    ops.push(...setattrOps(slot, changes, origin))
  }
  return ops
}

function remountData(entry: MountEntry, flags: number): Op {
  const { options, destination, origin } = entry
  if (!options.remount) throw invalidMount(entry, 'type is missing: give a file system type, or the option "bind"')
  return {
    kind: 'mount-data',
    path: destination,
    data: options.data.join(','),
    flags: flags | MS.REMOUNT,
    ...origin,
  }
}

/** Flags of the file system itself; that of a virtual one may be shared with the host, so "ro" is not among them. */
function superFlags({ options, type }: MountEntry): number {
  const { superFlags, attributes } = options
  const readonly = attributes.set & MOUNT_ATTR.RDONLY
  const alone = type === '' || type === 'none' || isPseudo(type)
  return toMountFlags({ superFlags, attributes: { set: alone ? 0 : readonly, clear: 0 } })
}
