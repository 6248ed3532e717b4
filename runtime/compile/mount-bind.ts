// SPDX-License-Identifier: Apache-2.0
import { hostPath } from './context.ts'
import { mountChanges, setattrOps } from './mount-attributes.ts'
import { invalidMount, type MountEntry } from './mount-entry.ts'
import { compileIdmap } from './mount-idmap.ts'
import { rootPropagation, type StagedOps, TARGET, TREE } from './rootfs.ts'

/**
 * A file or directory of the host: its mount is cloned where the host is visible, changed while nobody sees it, and
 * attached later. Errors: invalid-config for options that a bind mount cannot have.
 */
export function compileBind(entry: MountEntry): StagedOps {
  const { context, mount, options, origin, destination } = entry
  const source = mount.source ?? ''
  if (source === '') throw invalidMount(entry, 'source is missing: give the file or directory to bind')
  refuseOptions(entry)
  const slot = context.slots.next()
  const target = context.targetSlot()
  const { binds } = rootPropagation(context.linux)
  const changes = mountChanges(options, binds, options.recursive)
  return {
    prepare: [
      {
        kind: 'open-tree',
        path: hostPath(context.request, source),
        flags: options.recursive ? TREE.RECURSIVE : 0,
        slot,
        ...origin,
      },
      // Ids can be mapped only as long as the mount is as it was cloned.
      ...compileIdmap(entry, slot),
      ...setattrOps(slot, changes, origin),
    ],
    setup: [
      { kind: 'ensure', path: destination, type: TARGET.AS_TREE, like: slot, mode: 0o755, target, ...origin },
      { kind: 'move', tree: slot, target, ...origin },
    ],
  }
}

function refuseOptions(entry: MountEntry): void {
  if (entry.options.copyUp) throw invalidMount(entry, 'tmpcopyup is for a tmpfs, not for a bind mount')
  refuseFsOptions(entry)
}

/** A bind mount has no say over the file system. Errors: invalid-config for data; flags are warned of, as peers take them. */
export function refuseFsOptions(entry: MountEntry): void {
  const { options, context, origin } = entry
  if (options.data.length > 0) {
    const words = options.data.map((item) => JSON.stringify(item)).join(', ')
    throw invalidMount(entry, `a bind mount takes no options of a file system: remove ${words}`)
  }
  if (options.superFlags.length > 0) {
    const words = options.superFlags.join(', ')
    context.warn(`${origin.label}: ${words}: without effect on a bind mount, because it belongs to the file system`)
  }
}
