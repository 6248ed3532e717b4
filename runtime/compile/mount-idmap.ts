// SPDX-License-Identifier: Apache-2.0
import type { LinuxIDMapping } from '../../spec/runtime/namespaces.ts'
import type { FdSlot, Op } from '../plan/ops.ts'
import { findNamespace, isNew } from './context.ts'
import { toMapText } from './id-mappings.ts'
import { invalidMount, type MountEntry } from './mount-entry.ts'
import { MOUNT_ATTR } from './mount-options.ts'
import { CLONE_NEW } from './namespaces.ts'
import { opensInside } from './rootfs.ts'

/** True when a mount asks for an id mapping, by an option or by mappings alone. */
export function isIdMapped({ options, mount }: MountEntry): boolean {
  return options.idmap !== 'no' || (mount.uidMappings?.length ?? 0) > 0
}

/** What makes the mapping, on the host, and what gives it to a tree. */
export interface IdmapOps {
  readonly namespace: readonly Op[]
  readonly map: readonly Op[]
}

/**
 * Maps the ids of a detached tree: by the mappings of the mount, else those of the container's user namespace. That of a tree which
 * only init can clone is mapped by init itself, if there is no user namespace to take it the power.
 * Spec: config.md#posix-platform-mounts. Errors: invalid-config without any mapping, or without privileges.
 */
export function compileIdmap(entry: MountEntry, tree: FdSlot, cloned: 'outside' | 'inside'): IdmapOps {
  if (!isIdMapped(entry)) return { namespace: [], map: [] }
  if (opensInside(entry.context)) {
    throw invalidMount(entry, 'id-mapped mounts need the privileges of root: leave out idmap and the mappings')
  }
  const { ops, slot } = mappingNamespace(entry)
  const recursive = entry.options.idmap === 'tree' ? 1 : 0
  if (cloned === 'inside' && findNamespace(entry.context.linux, 'user') !== undefined) {
    return { namespace: ops, map: [{ kind: 'idmap-tree', tree, recursive, userns: slot, ...entry.origin }] }
  }
  const map: Op = {
    kind: 'setattr',
    slot: tree,
    set: BigInt(MOUNT_ATTR.IDMAP),
    clear: 0n,
    propagation: 0,
    recursive,
    userns: slot,
    ...entry.origin,
  }
  return { namespace: ops, map: [map] }
}

/** The kernel reads mappings off a user namespace; mounts with the same ones share it. */
function mappingNamespace(entry: MountEntry): { readonly ops: Op[]; readonly slot: FdSlot } {
  const { mount, context } = entry
  const namespace = findNamespace(context.linux, 'user')
  const own = (mount.uidMappings?.length ?? 0) > 0
  if (!own && namespace === undefined) {
    throw invalidMount(entry, 'idmap has no mapping to apply: give uidMappings and gidMappings')
  }
  const byMaps = own || isNew(namespace)
  const path = namespace?.path ?? ''
  const maps = byMaps ? mapTexts(own ? mount : context.linux) : undefined
  const key = maps === undefined ? path : `${maps.uidMap}|${maps.gidMap}`
  const known = entry.userNamespaces.get(key)
  if (known !== undefined) return { ops: [], slot: known }
  const slot = context.slots.next()
  entry.userNamespaces.set(key, slot)
  const op: Op =
    maps === undefined
      ? { kind: 'open-ns', path, nstype: CLONE_NEW.user, slot, ...entry.origin }
      : { kind: 'idmap-userns', ...maps, slot, ...entry.origin }
  return { ops: [op], slot }
}

function mapTexts(mappings: {
  readonly uidMappings?: readonly LinuxIDMapping[] | undefined
  readonly gidMappings?: readonly LinuxIDMapping[] | undefined
}): { readonly uidMap: string; readonly gidMap: string } {
  return { uidMap: toMapText(mappings.uidMappings ?? []), gidMap: toMapText(mappings.gidMappings ?? []) }
}
