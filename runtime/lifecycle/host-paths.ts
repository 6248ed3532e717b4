// SPDX-License-Identifier: Apache-2.0
import { realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Linux } from '../../spec/runtime/linux.ts'
import type { LinuxIDMapping } from '../../spec/runtime/namespaces.ts'

/** Where a path of the host leads; itself when it leads nowhere, which whoever opens it will tell. */
export function followLinks(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}

/**
 * Whether the root of a new user namespace with these ids is let in where a path without links lies. By ids and modes alone: access
 * lists are not looked at.
 */
export function canReach(path: string, { uidMappings = [], gidMappings = [] }: Linux = {}): boolean {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const info = statSync(directory, { throwIfNoEntry: false })
    if (info !== undefined && !mayEnter(info, uidMappings, gidMappings)) return false
    if (directory === '/') return true
  }
}

const ENTER = 1

function mayEnter(
  { uid, gid, mode }: Stats,
  uids: readonly LinuxIDMapping[],
  gids: readonly LinuxIDMapping[],
): boolean {
  const [owner, group] = [idInside(uids, uid), idInside(gids, gid)]
  // Its capabilities are for what belongs to the namespace.
  if (owner !== undefined && group !== undefined) return true
  const class_ = owner === 0 ? mode >> 6 : group === 0 ? mode >> 3 : mode
  return (class_ & ENTER) !== 0
}

function idInside(mappings: readonly LinuxIDMapping[], id: number): number | undefined {
  const found = mappings.find(({ hostID, size }) => id >= hostID && id < hostID + size)
  return found === undefined ? undefined : found.containerID + id - found.hostID
}
