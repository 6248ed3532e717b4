// SPDX-License-Identifier: Apache-2.0
import type { CgroupPlan } from '../cgroups/cgroup-plan.ts'
import type { Op } from '../plan/ops.ts'
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
import { ROOTED, type StagedOps } from './rootfs.ts'

/**
 * All of `mounts`, in listed order. ORDER: `prepare` comes after that of the cgroups, whose directories it opens.
 * Spec: config.md#mounts
 */
export function compileMounts(context: CompileContext, cgroups: CgroupPlan): StagedOps {
  if ((context.linux.mountLabel ?? '') !== '' && !context.facts.lsm.includes('selinux')) {
    context.warn('linux.mountLabel: without effect, SELinux is not active on this host')
  }
  const prepare: Op[] = []
  const setup: Op[] = []
  for (const entry of mountEntries(context)) {
    const ops = compileMount(entry, cgroups)
    prepare.push(...ops.prepare)
    setup.push(...ops.setup)
  }
  return { prepare, setup }
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
      return { prepare: [], setup: compileFs(entry) }
  }
}

/** Closes the mounts that were left writable for what had to be made in them. ORDER: after mounts and devices. */
export function compileLateReadonly(context: CompileContext): Op[] {
  const change = { set: MOUNT_ATTR.RDONLY, clear: 0, propagation: 0, recursive: false }
  return mountEntries(context)
    .filter(({ lateReadonly }) => lateReadonly)
    .flatMap(({ destination, origin }): Op[] => {
      const slot = context.targetSlot()
      return [
        { kind: 'open-rooted', path: destination, flags: ROOTED.DIRECTORY, slot, ...origin },
        toSetattr(slot, change, origin),
      ]
    })
}

function mountEntries(context: CompileContext): MountEntry[] {
  const entries = toMountEntries(context)
  const devices = devicePaths(context)
  return entries.map((entry, index) => {
    const later = entries.slice(index + 1).map(({ destination }) => destination)
    return needsLateReadonly(entry, [...later, ...devices]) ? { ...entry, lateReadonly: true } : entry
  })
}

/** Paths that are made once everything is mounted. */
function devicePaths(context: CompileContext): readonly string[] {
  const paths = context.process.terminal === true ? ['/dev/console'] : []
  if (!makesDevices(context)) return paths
  const listed = context.linux.devices?.map(({ path }) => cleanPath(path)) ?? []
  return [...paths, ...DEFAULT_DEVICES.map(({ path }) => path), ...listed]
}
