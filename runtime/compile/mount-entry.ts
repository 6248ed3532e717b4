// SPDX-License-Identifier: Apache-2.0
import type { Mount } from '../../spec/runtime/mounts.ts'
import { utf8Length } from '../../spec/utf8-length.ts'
import type { FdSlot, Provenance } from '../plan/ops.ts'
import { type CompileContext, cleanPath, hostPath, invalid, origin } from './context.ts'
import { type MountOptions, parseMountOptions } from './mount-options.ts'
import { rootfsPath } from './state-json.ts'

/** One item of `mounts`, read once for all that is compiled from it. */
export interface MountEntry {
  readonly context: CompileContext
  readonly mount: Mount
  readonly options: MountOptions
  /** '' when the config gives none. */
  readonly type: string
  /** Clean and absolute, in the container. */
  readonly destination: string
  /** JSON pointer: /mounts/3 */
  readonly pointer: string
  readonly origin: Provenance
  /** The mount stays writable until all of its inside is in place; see compileLateReadonly. */
  readonly lateReadonly: boolean
  /** It is made before the root is attached, as the binds are that come after it; see mount-order.ts. */
  readonly ahead: boolean
  /** User namespaces that id-mapped mounts share: by their maps. */
  readonly userNamespaces: Map<string, FdSlot>
}

/** What is done with an item of `mounts`. */
export type MountRole = 'bind' | 'change' | 'cgroup' | 'filesystem'

/** A mount is a bind iff its options say so; without a type, it is about a mount that is there already. */
export function mountRole({ mount, options }: Pick<MountEntry, 'mount' | 'options'>): MountRole {
  if (options.remount) return 'change'
  if (options.bind) return 'bind'
  const type = mount.type ?? ''
  if ((type === '' || type === 'none') && options.propagation.length > 0) return 'change'
  return type === 'cgroup' ? 'cgroup' : 'filesystem'
}

/**
 * All mounts, in listed order. Errors: invalid-config for a destination that must not be mounted over.
 * Spec: config.md#mounts
 */
export function toMountEntries(context: CompileContext): MountEntry[] {
  const userNamespaces = new Map<string, FdSlot>()
  const entries: MountEntry[] = []
  for (const [index, mount] of (context.spec.mounts ?? []).entries()) {
    const pointer = `/mounts/${index}`
    const entry: MountEntry = {
      context,
      mount,
      options: parseMountOptions(mount.options ?? []),
      type: mount.type ?? '',
      destination: destinationOf(context, mount),
      pointer,
      origin: origin(pointer, brief(mount.destination)),
      lateReadonly: false,
      ahead: false,
      userNamespaces,
    }
    refuseLongPath(entry, 'destination')
    refuseLongPath(entry, 'source')
    if (mountRole(entry) !== 'change') refuseDestination(entry)
    entries.push(entry)
  }
  return entries
}

/** Where a source lies in the container, when that is in its root; undefined for all else. */
export function pathInRoot(context: CompileContext, source: string): string | undefined {
  const path = cleanPath(hostPath(context.request, source))
  const root = rootfsPath(context)
  return isBelow(path, root) ? path.slice(root === '/' ? 0 : root.length) : undefined
}

/** Whoever names a source in the root by its path on the host may name the destination so, too. */
function destinationOf(context: CompileContext, { destination, source = '' }: Mount): string {
  const path = cleanPath(destination)
  if (source === '' || pathInRoot(context, source) === undefined) return path
  return pathInRoot(context, path) ?? path
}

/** An error about one mount: invalid-config. */
export function invalidMount({ pointer, mount }: MountEntry, what: string): Error {
  return invalid(pointer, brief(mount.destination), what)
}

/** The start of a text, for messages. */
function brief(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

/** The kernel takes PATH_MAX bytes with the NUL; an error from here names more of the reason than of the path. */
function refuseLongPath(entry: MountEntry, field: 'destination' | 'source'): void {
  const path = entry.mount[field] ?? ''
  if (path.length * 3 < 4096) return
  const bytes = utf8Length(path)
  if (bytes >= 4096) throw invalidMount(entry, `${field} is ${bytes} bytes long, 4095 is the most (ENAMETOOLONG)`)
}

/** True when `path` lies strictly below `directory`; both are clean. */
export function isBelow(path: string, directory: string): boolean {
  return path !== directory && (directory === '/' || path.startsWith(`${directory}/`))
}

/**
 * Files that stand for numbers alone, as lxcfs replaces them. Whatever else lies in /proc may be read by the runtime,
 * by security modules or by tools that decide on what they find there (CVE-2019-16884, CVE-2019-19921).
 */
const replaceable: ReadonlySet<string> = new Set([
  ...['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'uptime'],
  ...['net/dev', 'sys/kernel/ns_last_pid', 'sys/crypto/fips_enabled'],
])

function refuseDestination(entry: MountEntry): void {
  const { destination, type, options, mount, context } = entry
  if (destination === '/') throw invalidMount(entry, 'must not be the root itself: use root.path')
  if (isBelow(destination, '/proc') && !replaceable.has(destination.slice('/proc/'.length))) {
    throw invalidMount(entry, `nothing may be mounted at ${destination}: it is inside /proc`)
  }
  if (destination !== '/proc') return
  const isProc = options.bind ? isProcfs(context, mount.source ?? '') : type === 'proc'
  if (!isProc) throw invalidMount(entry, 'only a file system of type proc may be mounted at /proc')
}

/** True when a path of the host is the mount point of a whole procfs. */
function isProcfs({ request, facts }: CompileContext, source: string): boolean {
  const path = cleanPath(hostPath(request, source))
  // The last line for a path is the mount that is seen there.
  const line = facts.mountinfo
    .split('\n')
    .findLast((candidate) => candidate.split(' ', 5)[4]?.replaceAll('\\040', ' ') === path)
  return line !== undefined && line.split(' ', 4)[3] === '/' && line.includes(' - proc ')
}
