// SPDX-License-Identifier: Apache-2.0
import type { CgroupPlan } from '../cgroups/cgroup-plan.ts'
import { OPS, type Op } from '../plan/ops.ts'
import type { CompileContext } from './context.ts'
import { cleanPath } from './context.ts'
import { DEFAULT_DEVICES, makesDevices } from './default-devices.ts'
import { toSetattr } from './mount-attributes.ts'
import { compileBind } from './mount-bind.ts'
import { compileCgroupMount } from './mount-cgroup.ts'
import { compileChange } from './mount-change.ts'
import { type MountEntry, mountRole, toMountEntries } from './mount-entry.ts'
import { compileFs, needsLateReadonly } from './mount-fs.ts'
import { MOUNT_ATTR } from './mount-options.ts'
import { markAhead } from './mount-order.ts'
import { ROOTED, type StagedOps } from './rootfs.ts'

/** Two steps of a compilation need them, and to read all mounts is a good part of its time. */
const known = new WeakMap<CompileContext, readonly MountEntry[]>()

/**
 * All of `mounts`, in listed order. ORDER: `prepare` comes after that of the cgroups, whose directories it opens.
 * Spec: config.md#mounts
 */
export function compileMounts(context: CompileContext, cgroups: CgroupPlan): StagedOps {
  if ((context.linux.mountLabel ?? '') !== '' && !context.facts.lsm.includes('selinux')) {
    context.warn('linux.mountLabel: without effect, SELinux is not active on this host')
  }
  const prepare: Op[] = []
  const late: Op[] = []
  const setup: Op[] = []
  const entries = mountEntries(context)
  const inOrder = entries.some(({ ahead }) => ahead)
  for (const entry of entries) {
    const ops = compileMount(entry, cgroups)
    late.push(...(ops.late ?? []))
    // Id mappings come from the front alone.
    for (const op of ops.prepare) (inOrder && OPS[op.kind].side !== 'H' ? late : prepare).push(op)
    setup.push(...ops.setup)
  }
  return { prepare, late, setup }
}

function compileMount(entry: MountEntry, cgroups: CgroupPlan): StagedOps {
  switch (mountRole(entry)) {
    case 'bind':
      return compileBind(entry)
    case 'cgroup':
      return compileCgroupMount(entry, cgroups)
    case 'change':
      return { prepare: [], setup: compileChange(entry) }
    case 'filesystem':
      return compileFs(entry)
  }
}

/** Closes the mounts that were left writable for what had to be made in them. ORDER: after mounts and devices. */
export function compileLateReadonly(context: CompileContext): Op[] {
  const change = { set: MOUNT_ATTR.RDONLY, clear: 0, propagation: 0, recursive: false }
  const ops: Op[] = []
  for (const { lateReadonly, destination, origin } of mountEntries(context)) {
    if (!lateReadonly) continue
    const slot = context.targetSlot()
    ops.push(
      { kind: 'open-rooted', path: destination, flags: ROOTED.DIRECTORY, slot, ...origin },
      toSetattr(slot, change, origin),
    )
  }
  return ops
}

function mountEntries(context: CompileContext): readonly MountEntry[] {
  const entries = known.get(context) ?? readEntries(context)
  known.set(context, entries)
  return entries
}

function readEntries(context: CompileContext): readonly MountEntry[] {
  const entries: MountEntry[] = []
  // Backwards: what counts for each is what comes after it.
  const later = [...devicePaths(context)]
  for (const entry of toMountEntries(context).reverse()) {
    entries.push(needsLateReadonly(entry, later) ? { ...entry, lateReadonly: true } : entry)
    later.push(entry.destination)
  }
  return markAhead(context, entries.reverse())
}

/** Paths that are made once everything is mounted. */
function devicePaths(context: CompileContext): readonly string[] {
  const paths = context.process.terminal === true ? ['/dev/console'] : []
  if (!makesDevices(context)) return paths
  for (const { path } of DEFAULT_DEVICES) paths.push(path)
  for (const { path } of context.linux.devices ?? []) paths.push(cleanPath(path))
  return paths
}
