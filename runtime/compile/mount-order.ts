// SPDX-License-Identifier: Apache-2.0
import { type CompileContext, findNamespace, isNew } from './context.ts'
import { isBelow, type MountEntry, mountRole, pathInRoot } from './mount-entry.ts'
import { isPseudo, takesMode } from './mount-fs.ts'

/** Each mount that is made ahead holds a descriptor of its own until it is attached. */
const MOST_ENTRIES = 200

/**
 * Marks what is made ahead. Since Linux 6.8 /proc/PID/mountinfo lists mounts by when they were made, not by when they were
 * attached; and a bind is made, as a clone, where the paths of the host are seen: before the root is attached. So file systems that
 * are listed before a bind are made there as well, in one go with the binds, in init.
 * Spec: config.md#mounts: "The runtime MUST mount entries in the listed order."
 */
export function markAhead(context: CompileContext, entries: readonly MountEntry[]): readonly MountEntry[] {
  const last = entries.findLastIndex((entry) => isOpened(context, entry))
  if (last <= 0 || entries.length > MOST_ENTRIES || !seesHost(context)) return entries
  return entries.map((entry, index) =>
    index <= last && canBeAhead(entry, entries, index) ? { ...entry, ahead: true } : entry,
  )
}

/** A bind of something of the host; without a namespace around them, cgroups are that, too. */
function isOpened(context: CompileContext, entry: MountEntry): boolean {
  const role = mountRole(entry)
  if (role === 'cgroup') return findNamespace(context.linux, 'cgroup') === undefined
  return role === 'bind' && pathInRoot(context, entry.mount.source ?? '') === undefined
}

/** Until the root is attached, init sees the mounts of the host; not so those of a namespace that it joins. */
function seesHost({ linux }: CompileContext): boolean {
  const namespace = findNamespace(linux, 'mount')
  return namespace === undefined || isNew(namespace)
}

/**
 * Not what has a device or layers: their paths may lead to what was mounted in the root before. Nor what takes its mode from a
 * directory that may lie in an earlier mount.
 */
function canBeAhead(entry: MountEntry, entries: readonly MountEntry[], index: number): boolean {
  const role = mountRole(entry)
  if (role === 'cgroup') return true
  if (role !== 'filesystem' || !isPseudo(entry.type)) return false
  if (!takesMode(entry)) return true
  const { destination } = entry
  return !entries.some(
    (other, at) => at < index && (other.destination === destination || isBelow(destination, other.destination)),
  )
}
