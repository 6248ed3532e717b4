// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { findNamespace, hostPath } from './context.ts'
import { mountChanges, setattrOps } from './mount-attributes.ts'
import { invalidMount, type MountEntry, pathInRoot } from './mount-entry.ts'
import { compileIdmap } from './mount-idmap.ts'
import { type AttributeChange, MOUNT_ATTR } from './mount-options.ts'
import { clonesInside, rootPropagation, type StagedOps, TARGET, TREE } from './rootfs.ts'

/**
 * A file or directory of the host: its mount is cloned where the host is visible, changed while nobody sees it, and
 * attached later. What lies in the root itself is cloned when its turn comes, with what has been mounted there.
 * Errors: invalid-config for options that a bind mount cannot have.
 */
export function compileBind(entry: MountEntry): StagedOps {
  const { context, mount, options, origin, destination } = entry
  const source = mount.source ?? ''
  if (source === '') throw invalidMount(entry, 'source is missing: give the file or directory to bind')
  refuseOptions(entry)
  const slot = context.slots.next()
  const target = context.targetSlot()
  const { binds } = rootPropagation(context.linux)
  const changes = mountChanges({ ...options, attributes: bindAttributes(entry) }, binds, options.recursive)
  const flags = options.recursive ? TREE.RECURSIVE : 0
  const inside = pathInRoot(context, source)
  const idmap = compileIdmap(entry, slot, inside === undefined && !clonesInside(context) ? 'outside' : 'inside')
  // Ids can be mapped only as long as the mount is as it was cloned.
  const change = [...idmap.map, ...setattrOps(slot, changes, origin)]
  const attach: readonly Op[] = [
    { kind: 'ensure', path: destination, type: TARGET.AS_TREE, like: slot, mode: 0o755, target, ...origin },
    { kind: 'move', tree: slot, target, ...origin },
  ]
  if (inside !== undefined) {
    const open: Op = { kind: 'open-tree-rooted', path: inside, flags, slot, ...origin }
    return { prepare: [...idmap.namespace], setup: [open, ...change, ...attach] }
  }
  const open: Op = { kind: 'open-tree', path: hostPath(context.request, source), flags, slot, ...origin }
  return { prepare: [open, ...idmap.namespace, ...change], setup: [...attach] }
}

const CLEARED = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NOSYMFOLLOW

/**
 * As with mount(8) a bind mount without any attribute is as its source is, and one with some has these alone: engines
 * that say "rw" or "ro" mean all of it. In a user namespace the host's restrictions stay, as the kernel would see to.
 */
function bindAttributes({ options, context }: MountEntry): AttributeChange {
  const { set, clear } = options.attributes
  if (!options.named) return options.attributes
  const cleared = findNamespace(context.linux, 'user') === undefined ? CLEARED : MOUNT_ATTR.NOSYMFOLLOW
  return { set, clear: clear | (cleared & ~set) }
}

function refuseOptions(entry: MountEntry): void {
  if (entry.options.copyUp) throw invalidMount(entry, 'tmpcopyup is for a tmpfs, not for a bind mount')
  refuseFsOptions(entry)
}

/** What a new tmpfs is given; see tmpfs(5). Whoever makes a bind of one may leave it there. */
const ofTmpfs = /^(?:size|nr_blocks|nr_inodes|mode|uid|gid)=/

/**
 * A bind mount has no say over the file system: the kernel passes over such options, and so do most runtimes. They are
 * warned of as long as they are known to be of a file system. Any other word may be a misspelled attribute or a label, without
 * which the container would be less confined. Errors: invalid-config.
 */
export function refuseFsOptions(entry: MountEntry): void {
  const { options, context, origin } = entry
  const refused = options.data.filter((word) => !ofTmpfs.test(word))
  if (refused.length > 0) {
    const words = refused.map((item) => JSON.stringify(item)).join(', ')
    throw invalidMount(entry, `a bind mount takes no options of a file system: remove ${words}`)
  }
  const idle = [...options.data, ...options.superFlags]
  if (idle.length > 0) {
    const words = idle.join(', ')
    context.warn(`${origin.label}: ${words}: without effect on a bind mount, because it belongs to the file system`)
  }
}
