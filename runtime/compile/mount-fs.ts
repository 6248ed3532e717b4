// SPDX-License-Identifier: Apache-2.0
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { Op } from '../plan/ops.ts'
import { labelOption } from './annotations.ts'
import { findNamespace, isNew } from './context.ts'
import { joinAttributes, mountChanges, setattrOps } from './mount-attributes.ts'
import { invalidMount, isBelow, type MountEntry } from './mount-entry.ts'
import { isIdMapped } from './mount-idmap.ts'
import { MOUNT_ATTR } from './mount-options.ts'
import { type StagedOps, TARGET } from './rootfs.ts'

/** File systems without a device: one instance may serve the host too, so "ro" is for the mount alone. */
const pseudo: ReadonlySet<string> = new Set([
  ...['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'ramfs', 'devtmpfs', 'hugetlbfs', 'bpf'],
  ...['debugfs', 'tracefs', 'securityfs', 'selinuxfs', 'configfs', 'fusectl', 'pstore', 'efivarfs', 'binfmt_misc'],
  ...['rpc_pipefs', 'nfsd', 'resctrl'],
])

export function isPseudo(type: string): boolean {
  return pseudo.has(type)
}

/** File systems that the kernel mounts only for the owner of a namespace. */
const ownedBy: Readonly<Record<string, LinuxNamespaceType>> = { proc: 'pid', sysfs: 'network', mqueue: 'ipc' }

/** Where files are made later, if something is mounted or made below. */
const filled: ReadonlySet<string> = new Set(['tmpfs', 'ramfs', 'devtmpfs'])

/** True when a read-only mount must stay writable until what lies below, one of `paths`, has been made. */
export function needsLateReadonly(entry: MountEntry, paths: readonly string[]): boolean {
  const { type, destination } = entry
  return (
    filled.has(type) &&
    isReadonly(entry) &&
    paths.some((path) => isBelow(path, destination)) &&
    !paths.includes(destination)
  )
}

function attributesOf({ options }: MountEntry): number {
  return joinAttributes(options.attributes, options.recursiveAttributes).set
}

function isReadonly(entry: MountEntry): boolean {
  return (attributesOf(entry) & MOUNT_ATTR.RDONLY) !== 0
}

/** A new file system, made detached and then attached. Errors: invalid-config for what the kernel cannot do. */
export function compileFs(entry: MountEntry): StagedOps {
  const { context, mount, options, origin, destination, type } = entry
  refuseFs(entry)
  const attributes = attributesOf(entry)
  const writes = options.copyUp
  const early = writes || entry.lateReadonly ? attributes & ~MOUNT_ATTR.RDONLY : attributes
  const tree = entry.ahead ? context.slots.next() : context.treeSlot()
  const target = context.targetSlot()
  const late: Op[] = []
  const ops: Op[] = []
  // Nobody may lead /proc or /sys elsewhere: labels and sysctls would be written there (CVE-2023-27561).
  if (type === 'proc' || type === 'sysfs') ops.push({ kind: 'refuse-symlink', path: destination, ...origin })
  const made = { type, source: mount.source || type, options: fsOptions(entry), attr: early, slot: tree, ...origin }
  const ensure: Op = {
    kind: 'ensure',
    path: destination,
    type: TARGET.DIRECTORY,
    like: null,
    mode: 0o755,
    target,
    ...origin,
  }
  if (entry.ahead) {
    late.push(
      takesMode(entry)
        ? { kind: 'mount-fs-over', path: destination, root: context.rootSlot(), ...made }
        : { kind: 'mount-fs', ...made },
    )
    ops.push(ensure)
  } else if (takesMode(entry)) ops.push(ensure, { kind: 'mount-fs-like', target, ...made })
  else ops.push({ kind: 'mount-fs', ...made }, ensure)
  if (options.copyUp) ops.push({ kind: 'copy-up', tree, path: destination, ...origin })
  const rest = { set: writes && !entry.lateReadonly ? attributes & MOUNT_ATTR.RDONLY : 0, clear: 0 }
  const changes = mountChanges({ ...options, attributes: rest, recursiveAttributes: { set: 0, clear: 0 } }, 0, false)
  ops.push(...setattrOps(tree, changes, origin))
  ops.push({ kind: 'move', tree, target, ...origin })
  return { prepare: [], late, setup: ops }
}

/** A tmpfs is open to all unless it is told otherwise; peers give it the mode of what it covers. */
export function takesMode({ type, options }: MountEntry): boolean {
  return type === 'tmpfs' && !hasMode(options.data)
}

function hasMode(words: readonly string[]): boolean {
  for (const word of words) if (word.startsWith('mode=')) return true
  return false
}

function fsOptions(entry: MountEntry): string[] {
  const { options, type, context } = entry
  const words = [...options.data, ...options.superFlags]
  if (!isPseudo(type) && isReadonly(entry)) words.push('ro')
  const label = context.linux.mountLabel ?? ''
  if (label !== '' && context.facts.lsm.includes('selinux') && takesLabel(type))
    words.push(`${labelOption(context)}=${label}`)
  return words
}

/** The policy labels these by itself. */
function takesLabel(type: string): boolean {
  return type !== 'proc' && type !== 'sysfs' && type !== 'mqueue' && type !== 'cgroup2'
}

function refuseFs(entry: MountEntry): void {
  const { type, options, context } = entry
  if (type === '') throw invalidMount(entry, 'type is missing: give a file system type, or the option "bind"')
  if (type === 'bind' || type === 'none') {
    throw invalidMount(entry, `type "${type}" mounts nothing by itself: add the option "bind" or "rbind"`)
  }
  if (isIdMapped(entry)) throw invalidMount(entry, 'only bind mounts can be id-mapped')
  if (options.copyUp && type !== 'tmpfs') throw invalidMount(entry, `tmpcopyup is for a tmpfs, not for ${type}`)
  const owner = Object.hasOwn(ownedBy, type) ? ownedBy[type] : undefined
  if (owner === undefined || !isNew(findNamespace(context.linux, 'user'))) return
  if (findNamespace(context.linux, owner) === undefined) {
    throw invalidMount(
      entry,
      `${type} needs a ${owner} namespace besides the user namespace: add {"type": "${owner}"} to linux.namespaces, or bind ${entry.destination} of the host`,
    )
  }
}
