// SPDX-License-Identifier: Apache-2.0
import { cleanPath, type CompileContext, findNamespace, hostPath, notSupported } from '../compile/context.ts'
import { DEFAULT_DEVICES } from '../compile/default-devices.ts'
import { type MountEntry, mountRole, toMountEntries } from '../compile/mount-entry.ts'
import { isIdMapped } from '../compile/mount-idmap.ts'
import { NOTIFY_DIRECTORY, notifySource } from '../compile/notify-socket.ts'
import { clonesInside } from '../compile/rootfs.ts'
import type { CgroupLayout } from '../cgroups/hierarchies.ts'
import { type MountLine, parseMountTable } from './mount-table.ts'

/**
 * Mounts whose source criu cannot know: it takes them for granted at a checkpoint, and gets them anew from the host at a
 * restore. In between, an image knows each by a name: the destination in config.json, and /dev/null for what is masked.
 */
const MASK = '/dev/null'

/** Paths, links followed. */
export interface PathView {
  /** Where a path of the container leads; undefined when it leads nowhere. */
  readonly resolve: (path: string) => string | undefined
  /** Where a path of the host leads, which is what criu wants and what the mount table has; itself when it leads nowhere. */
  readonly follow: (path: string) => string
}

/** What the container's own mount namespace looks like. */
export interface MountView extends PathView {
  readonly mounts: readonly MountLine[]
}

/** What an image knows by a name, and where it is on this host. */
export interface ExternalMount {
  readonly name: string
  readonly source: string
  /** A path that somebody has chosen. */
  readonly isConfigured: boolean
}

/** For a checkpoint: `mnt[MOUNT POINT]:NAME`. Errors: not-supported. */
export function dumpedMounts(context: CompileContext, view: MountView): readonly string[] {
  const found = new Map<string, string>()
  const lines = new Map(view.mounts.map((line) => [line.mountPoint, line]))
  const entries = toMountEntries(context)
  for (const entry of entries) {
    const role = mountRole(entry)
    if (role === 'cgroup') for (const place of boundCgroups(entry, view.mounts)) found.set(place, place)
    if (role !== 'bind') continue
    refuseIdMap(entry)
    const place = lines.has(entry.destination) ? entry.destination : view.resolve(entry.destination)
    if (place === undefined || !lines.has(place)) continue
    found.set(place, entry.destination)
    for (const below of subMounts(entry, view)) {
      if (!lines.has(place + below)) continue
      refuseBelow(entry, below)
      found.set(place + below, entry.destination + below)
    }
  }
  // Not of the config, but of the service that has made the container.
  if (lines.has(NOTIFY_DIRECTORY) && !found.has(NOTIFY_DIRECTORY)) found.set(NOTIFY_DIRECTORY, NOTIFY_DIRECTORY)
  // A device that could not be made is the host's own.
  for (const path of devices(context)) if (!found.has(path) && lines.has(path)) found.set(path, path)
  for (const path of context.linux.maskedPaths ?? []) {
    if (lines.get(cleanPath(path))?.root.endsWith('/null')) found.set(cleanPath(path), MASK)
  }
  return [...found].map(([place, name]) => toExternal(place, name))
}

/** For a restore. `directories` are the container's cgroups. Errors: not-supported. */
export function restoredMounts(
  context: CompileContext,
  layout: CgroupLayout,
  directories: Readonly<Record<string, string>>,
  paths: PathView,
): readonly ExternalMount[] {
  const found = new Map<string, string>()
  const configured = new Set<string>()
  for (const entry of toMountEntries(context)) {
    const role = mountRole(entry)
    if (role === 'cgroup') addCgroups(found, entry, layout, directories)
    if (role !== 'bind') continue
    refuseIdMap(entry)
    const source = sourceOf(entry, paths)
    configured.add(source)
    // Images of peers have the name that links lead to.
    found.set(paths.resolve(entry.destination) ?? entry.destination, source)
    found.set(entry.destination, source)
    for (const below of subMounts(entry, paths)) {
      refuseBelow(entry, below)
      found.set(entry.destination + below, source + below)
    }
  }
  for (const path of devices(context)) if (!found.has(path)) found.set(path, path)
  found.set(MASK, found.get(MASK) ?? MASK)
  const notify = notifySource(context.request)
  configured.add(notify)
  found.set(NOTIFY_DIRECTORY, found.get(NOTIFY_DIRECTORY) ?? notify)
  return [...found].map(([name, source]) => ({ name, source, isConfigured: configured.has(source) }))
}

/** `mnt[NAME]:SOURCE`. */
export function toExternals(mounts: readonly ExternalMount[]): readonly string[] {
  return mounts.map(({ name, source }) => toExternal(name, source))
}

function toExternal(key: string, value: string): string {
  return `mnt[${key}]:${value}`
}

/** criu would restore the mount without its ids, and so give away files. */
function refuseIdMap(entry: MountEntry): void {
  if (isIdMapped(entry)) throw notSupported(entry.pointer, 'criu can neither checkpoint nor restore an id-mapped mount')
}

/**
 * criu clones each mount without those below it. In a user namespace the kernel does not allow that, as it would uncover what
 * they hide: the image could never be restored.
 */
function refuseBelow({ context, pointer, mount }: MountEntry, below: string): void {
  if (!clonesInside(context)) return
  throw notSupported(
    pointer,
    `in a user namespace, criu cannot restore a bind mount with a mount of the host below it (${mount.source}${below})`,
  )
}

/** Mounts of the host that a recursive bind mount has brought along: their paths below its source. */
function subMounts(entry: MountEntry, paths: PathView): readonly string[] {
  const { options, context } = entry
  if (!options.recursive) return []
  const source = sourceOf(entry, paths)
  const below: string[] = []
  for (const { mountPoint } of parseMountTable(context.facts.mountinfo)) {
    if (source === '/' ? mountPoint !== '/' : mountPoint.startsWith(`${source}/`)) {
      below.push(source === '/' ? mountPoint : mountPoint.slice(source.length))
    }
  }
  return below
}

/** What lies there without links and dots: criu opens the last part of a path as it stands. */
function sourceOf({ context, mount }: MountEntry, { follow }: PathView): string {
  return follow(hostPath(context.request, mount.source ?? ''))
}

function devices({ linux }: CompileContext): readonly string[] {
  return [...DEFAULT_DEVICES, ...(linux.devices ?? [])].map(({ path }) => cleanPath(path))
}

/** Without a namespace of their own the container's cgroups are bind mounts of the host's. */
function boundCgroups({ context, destination }: MountEntry, mounts: readonly MountLine[]): readonly string[] {
  if (findNamespace(context.linux, 'cgroup') !== undefined) return []
  return mounts
    .filter(({ type, mountPoint }) => /^cgroup2?$/.test(type) && `${mountPoint}/`.startsWith(`${destination}/`))
    .map(({ mountPoint }) => mountPoint)
}

function addCgroups(
  found: Map<string, string>,
  { context, destination }: MountEntry,
  { mode, hierarchies }: CgroupLayout,
  directories: Readonly<Record<string, string>>,
): void {
  if (findNamespace(context.linux, 'cgroup') !== undefined) return
  for (const { mountPoint, controllers, own } of hierarchies) {
    const below = mode === 'v2' ? '' : mountPoint.slice(mountPoint.lastIndexOf('/'))
    found.set(destination + below, directories[controllers[0] ?? ''] ?? mountPoint + own)
  }
}
