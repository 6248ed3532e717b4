// SPDX-License-Identifier: Apache-2.0
import type { CgroupPlan } from '../cgroups/cgroup-plan.ts'
import { type Hierarchy, parseCgroupLayout } from '../cgroups/hierarchies.ts'
import type { Op, Tolerated } from '../plan/ops.ts'
import { findNamespace } from './context.ts'
import { joinAttributes, mountChanges, setattrOps, toSetattr } from './mount-attributes.ts'
import { invalidMount, type MountEntry } from './mount-entry.ts'
import { isIdMapped } from './mount-idmap.ts'
import { MOUNT_ATTR, type MountOptions } from './mount-options.ts'
import { ROOTED, rootPropagation, type StagedOps, TARGET } from './rootfs.ts'

/** What one cgroup mount is compiled from. */
interface CgroupMount {
  readonly entry: MountEntry
  readonly options: MountOptions
  readonly cgroups: CgroupPlan
  /** A cgroup namespace, new or joined: a fresh mount shows its root, and nothing above. */
  readonly namespaced: boolean
  /** Where a cgroup that could not be made is done without. */
  readonly tolerate: readonly Tolerated[]
}

/**
 * The type cgroup: the container's own cgroups, in the form that the host has them.
 * Spec: config-linux.md#control-groups
 */
export function compileCgroupMount(entry: MountEntry, cgroups: CgroupPlan): StagedOps {
  const { context } = entry
  refuseOptions(entry)
  const namespaced = findNamespace(context.linux, 'cgroup') !== undefined
  // The cgroups of a user's container are the user's own: without a namespace around them its limits could be lifted
  // from inside (CVE-2023-25809).
  const options = context.userNamespace && !namespaced ? readonly(entry.options) : entry.options
  const tolerate: readonly Tolerated[] = context.rootless && !context.linux.cgroupsPath ? ['ENOENT', 'EPERM'] : []
  const mount: CgroupMount = { entry, options, cgroups, namespaced, tolerate }
  const { mode, hierarchies } = cgroups.layout ?? parseCgroupLayout(context.facts.mountinfo, context.facts.cgroup)
  if (mode !== 'v2') return compileV1(mount, hierarchies)
  if (entry.options.data.length > 0 && !namespaced) throw withoutNamespace(entry)
  const [unified] = hierarchies
  if (namespaced || unified === undefined) return fresh(mount, 'cgroup2', entry.options.data, '')
  const bound = bind(mount, unified, '')
  // Where the bind mount may fail, the host's cgroups must not shine through from a /sys that was bound.
  const below: StagedOps = tolerate.length > 0 ? fresh(mount, 'tmpfs', ['mode=755'], '') : { prepare: [], setup: [] }
  return { ...bound, late: [...(below.late ?? []), ...(bound.late ?? [])], setup: [...below.setup, ...bound.setup] }
}

function readonly(options: MountOptions): MountOptions {
  return { ...options, attributes: joinAttributes(options.attributes, { set: MOUNT_ATTR.RDONLY, clear: 0 }) }
}

/** A tmpfs with one directory per hierarchy, and links for controllers that share one. */
function compileV1(mount: CgroupMount, hierarchies: readonly Hierarchy[]): StagedOps {
  const { entry, options, namespaced } = mount
  if (entry.options.data.length > 0) throw withoutNamespace(entry)
  const attributes = attributesOf(options)
  const writable: CgroupMount = {
    ...mount,
    options: {
      ...options,
      attributes: { set: attributes & ~MOUNT_ATTR.RDONLY, clear: 0 },
      recursiveAttributes: { set: 0, clear: 0 },
    },
  }
  const prepare: Op[] = []
  const { late, setup } = fresh(writable, 'tmpfs', ['mode=755'], '')
  const names: string[] = []
  for (const hierarchy of hierarchies) names.push(directoryName(hierarchy))
  for (const hierarchy of hierarchies) {
    const name = directoryName(hierarchy)
    if (namespaced) {
      const [type, words] =
        hierarchy.version === 2 ? (['cgroup2', []] as const) : (['cgroup', hierarchy.controllers] as const)
      setup.push(...fresh(mount, type, words, `/${name}`).setup)
    } else {
      const bound = bind(mount, hierarchy, `/${name}`)
      prepare.push(...bound.prepare)
      late.push(...(bound.late ?? []))
      setup.push(...bound.setup)
    }
    for (const controller of hierarchy.controllers) {
      if (names.includes(controller) || controller.includes('=')) continue
      setup.push({ kind: 'symlink', target: name, path: `${entry.destination}/${controller}`, ...entry.origin })
    }
  }
  if (hierarchies.length === 0)
    entry.context.warn(`${entry.origin.label}: no cgroup hierarchy is mounted, so it is empty`)
  if ((attributes & MOUNT_ATTR.RDONLY) !== 0) setup.push(...closeTmpfs(entry))
  return { prepare, late, setup }
}

function attributesOf({ attributes, recursiveAttributes }: MountOptions): number {
  return joinAttributes(attributes, recursiveAttributes).set
}

function closeTmpfs({ context, destination, origin }: MountEntry): Op[] {
  const slot = context.targetSlot()
  const change = { set: MOUNT_ATTR.RDONLY, clear: 0, propagation: 0, recursive: false }
  return [
    { kind: 'open-rooted', path: destination, flags: ROOTED.DIRECTORY, slot, ...origin },
    toSetattr(slot, change, origin),
  ]
}

/** As the host calls it: cpu,cpuacct; systemd; unified. */
function directoryName({ mountPoint }: Hierarchy): string {
  return mountPoint.slice(mountPoint.lastIndexOf('/') + 1)
}

/** Ahead are only those that are mounted at the destination itself. */
function fresh(
  mount: CgroupMount,
  type: string,
  words: readonly string[],
  below: string,
): { readonly prepare: Op[]; readonly late: Op[]; readonly setup: Op[] } {
  const { entry, options } = mount
  const { context, origin } = entry
  const ahead = entry.ahead && below === ''
  const tree = ahead ? context.slots.next() : context.treeSlot()
  const target = context.targetSlot()
  const nothing = { set: 0, clear: 0 }
  const changes = mountChanges({ ...options, attributes: nothing, recursiveAttributes: nothing }, 0, false)
  const make: Op = {
    kind: 'mount-fs',
    type,
    source: entry.mount.source || type,
    options: words,
    attr: attributesOf(options),
    slot: tree,
    ...origin,
  }
  return {
    prepare: [],
    late: ahead ? [make] : [],
    setup: [
      ...(ahead ? [] : [make]),
      ensureDirectory(entry, below),
      ...setattrOps(tree, changes, origin),
      { kind: 'move', tree, target, ...origin },
    ],
  }
}

/** The container's directory in a hierarchy; its caller's when the container has none of its own. */
function bind(mount: CgroupMount, hierarchy: Hierarchy, below: string): StagedOps {
  const { entry, options, cgroups, tolerate } = mount
  const { context, origin } = entry
  const slot = context.slots.next()
  const target = context.targetSlot()
  const path = cgroups.paths[hierarchy.controllers[0] ?? ''] ?? hierarchy.mountPoint + hierarchy.own
  const changes = mountChanges(options, rootPropagation(context.linux).binds, false)
  const opens: Op[] = [
    { kind: 'open-tree', path, flags: 0, slot, ...origin, tolerate },
    ...setattrOps(slot, changes, origin),
  ]
  return {
    // systemd makes the directory when there is an init to put into it.
    ...(cgroups.unit === undefined ? { prepare: opens } : { prepare: [], late: opens }),
    setup: [ensureDirectory(entry, below), { kind: 'move', tree: slot, target, ...origin }],
  }
}

function ensureDirectory({ context, destination, origin }: MountEntry, below: string): Op {
  return {
    kind: 'ensure',
    path: destination + below,
    type: TARGET.DIRECTORY,
    like: null,
    mode: 0o755,
    target: context.targetSlot(),
    ...origin,
  }
}

function refuseOptions(entry: MountEntry): void {
  const { options } = entry
  if (options.copyUp) throw invalidMount(entry, 'tmpcopyup is for a tmpfs, not for cgroup')
  if (isIdMapped(entry)) throw invalidMount(entry, 'only bind mounts can be id-mapped')
  if (options.superFlags.length > 0) {
    throw invalidMount(entry, `cgroup has no option ${options.superFlags.map((flag) => `"${flag}"`).join(', ')}`)
  }
}

function withoutNamespace(entry: MountEntry): Error {
  return invalidMount(
    entry,
    `"${entry.options.data.join(',')}" is for a fresh cgroup2 alone: on this host, and with these namespaces, remove it`,
  )
}
