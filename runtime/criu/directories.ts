// SPDX-License-Identifier: Apache-2.0
import { byFlag, type CompileContext, findNamespace, isNew } from '../compile/context.ts'
import { toMapText } from '../compile/id-mappings.ts'
import { MOUNT_ATTR } from '../compile/mount-options.ts'
import { TREE } from '../compile/rootfs.ts'
import type { PlanRequest } from '../facts/request.ts'
import type { FdSlot, Op } from '../plan/ops.ts'
import type { SlotAllocator } from '../plan/slots.ts'
import { criuDirectories, FD } from './options.ts'

const READ_DIRECTORY = 0o200000

/** Gives criu the directory of the image. ORDER: where its own mount namespace is seen. */
export function openImages(request: PlanRequest, slots: SlotAllocator): Op[] {
  return open(criuDirectories(request).images, FD.images, 'image-path', slots)
}

/** The same for logs and what criu mounts meanwhile; always, as it would take the directory of the image instead. */
export function openWork(request: PlanRequest, slots: SlotAllocator): Op[] {
  const { images, work } = criuDirectories(request)
  return open(work ?? images, FD.work, 'work-path', slots)
}

function open(path: string, number: number, flag: string, slots: SlotAllocator): Op[] {
  const slot = slots.next()
  return [{ kind: 'open', path, flags: READ_DIRECTORY, slot, ...byFlag(flag) }, numbered(slot, number, flag)]
}

function numbered(slot: FdSlot, number: number, flag: string): Op {
  return { kind: 'number-fd', slot, number, ...byFlag(flag) }
}

/**
 * The image of a container with a user namespace: part of it is read by processes that are root in there alone, and it
 * is for nobody else to read. A mount with mapped ids makes it theirs. Where the file system knows none, or the image adds
 * to another one, which could not be reached from such a mount, the directory has to let them in.
 */
export function openMappedImages(
  context: CompileContext,
  hasParent: boolean,
): { readonly prepare: readonly Op[]; readonly setup: readonly Op[] } {
  const { request, slots, linux } = context
  if (!isNew(findNamespace(linux, 'user')) || hasParent || context.rootless) {
    return { prepare: [], setup: openImages(request, slots) }
  }
  const [tree, userns] = [slots.next(), slots.next()]
  const from = byFlag('image-path')
  const maps = { uidMap: toMapText(linux.uidMappings ?? []), gidMap: toMapText(linux.gidMappings ?? []) }
  return {
    prepare: [
      { kind: 'open-tree', path: criuDirectories(request).images, flags: TREE.DIRECTORY, slot: tree, ...from },
      { kind: 'idmap-userns', ...maps, slot: userns, ...from },
      {
        kind: 'setattr',
        slot: tree,
        set: BigInt(MOUNT_ATTR.IDMAP),
        clear: 0n,
        propagation: 0,
        recursive: 0,
        userns,
        ...from,
        tolerate: ['EINVAL', 'EPERM', 'ENOSYS'],
      },
    ],
    setup: [numbered(tree, FD.images, 'image-path')],
  }
}
