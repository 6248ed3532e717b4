// SPDX-License-Identifier: Apache-2.0
import { byRuntime, type CompileContext } from '../compile/context.ts'
import { isBelow } from '../compile/mount-entry.ts'
import { MOUNT_ATTR } from '../compile/mount-options.ts'
import { clonesInside, TARGET, TREE } from '../compile/rootfs.ts'
import type { Op } from '../plan/ops.ts'
import type { ExternalMount } from './external-mounts.ts'

/** A directory that every host has, open to all. In the mount namespace of criu, and nowhere else, something lies over it. */
const PLACE = '/dev/shm'

/**
 * The sources of a container with a user namespace. criu looks their paths up as the root of that namespace, who may not be let
 * in there; then it gets clones of them in a place that is open to all. What is mounted below a source comes along, and so
 * stays hidden what it hides. Other sources stay where they are: the mount that they lie in is what criu takes as the master of
 * all slaves. ORDER: in setup, when the mounts are no longer shared with the host.
 */
export function cloneSources(
  context: CompileContext,
  mounts: readonly ExternalMount[],
  reaches: (path: string) => boolean,
): { readonly setup: readonly Op[]; readonly mounts: readonly ExternalMount[] } {
  if (!clonesInside(context)) return { setup: [], mounts }
  const configured = mounts.flatMap(({ source, isConfigured }) => (isConfigured ? [source] : []))
  const isHidden = (source: string): boolean => source === PLACE || isBelow(source, PLACE)
  const sources = new Set(configured.filter((source) => isHidden(source) || !reaches(source)))
  if ([...sources].every(isHidden)) return { setup: [], mounts }
  const from = byRuntime('sources for criu')
  const opens: Op[] = []
  const attaches: Op[] = []
  const places = new Map<string, string>()
  for (const source of sources) {
    const [name, slot, target] = [`/${places.size}`, context.slots.next(), context.targetSlot()]
    places.set(source, PLACE + name)
    opens.push({ kind: 'open-tree', path: source, flags: TREE.RECURSIVE, slot, ...from })
    attaches.push(
      { kind: 'ensure', path: name, type: TARGET.AS_TREE, like: slot, mode: 0o755, target, ...from },
      { kind: 'move', tree: slot, target, ...from },
    )
  }
  const slot = context.slots.next()
  const attr = MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC
  const over: readonly Op[] = [
    { kind: 'mount-fs', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'], attr, slot, ...from },
    { kind: 'place-root', slot, path: PLACE, ...from },
  ]
  return {
    // A source may lie where the place is.
    setup: [...opens, ...over, ...attaches],
    mounts: mounts.map((mount) => ({ ...mount, source: places.get(mount.source) ?? mount.source })),
  }
}
