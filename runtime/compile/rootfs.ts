// SPDX-License-Identifier: Apache-2.0
import type { Linux } from '../../spec/runtime/linux.ts'
import type { FdSlot, Op } from '../plan/ops.ts'
import { type CompileContext, findNamespace, hostPath, inheritsMounts, invalid, isNew, origin } from './context.ts'
import { MOUNT_ATTR, MS } from './mount-options.ts'
import { rootfsPath } from './state-json.ts'

/**
 * Ops of one concern. `prepare` opens what only the host's mounts show; `setup` works below the container's root.
 * Where `opensInside` holds, `prepare` runs in init too, before attach-root: see placeOpens.
 */
export interface StagedOps {
  readonly prepare: Op[]
  /** What is there only once the front has adopted init: opened in init in any case. */
  readonly late?: readonly Op[] | undefined
  readonly setup: Op[]
}

/** Ops of the root file system; `undo` takes away what is visible on the host. */
export interface RootOps extends StagedOps {
  readonly undo: readonly Op[]
}

/** The `prepare` of several concerns, by where it can run: in the front, or in init before attach-root. */
export function placeOpens(
  context: Pick<CompileContext, 'facts' | 'linux'>,
  parts: readonly StagedOps[],
): { readonly front: readonly Op[]; readonly init: readonly Op[] } {
  const opens: Op[] = []
  const late: Op[] = []
  for (const part of parts) {
    opens.push(...part.prepare)
    late.push(...(part.late ?? []))
  }
  if (opensInside(context)) return { front: [], init: [...opens, ...late] }
  return clonesInside(context) ? placeClones(opens, late) : { front: opens, init: late }
}

/** Clones go to init, with what is done to them; what else there is stays where it is. */
function placeClones(opens: readonly Op[], late: readonly Op[]): { readonly front: Op[]; readonly init: Op[] } {
  const front: Op[] = []
  const init: Op[] = []
  const cloned = new Set<FdSlot>()
  for (const op of opens) {
    if (op.kind === 'open-tree') cloned.add(op.slot)
    const ofClone =
      op.kind === 'open-tree' || op.kind === 'idmap-tree' || (op.kind === 'setattr' && cloned.has(op.slot))
    if (ofClone) init.push(lookedUp(op))
    else front.push(op)
  }
  return { front, init: [...init, ...late.map(lookedUp)] }
}

function lookedUp(op: Op): Op {
  return op.kind === 'open-tree' ? { ...op, flags: op.flags | TREE.LOOK_UP } : op
}

/** Flags of the op open-tree. */
export const TREE = { RECURSIVE: 1, DIRECTORY: 2, NO_FOLLOW: 4, LOOK_UP: 8 } as const

/** Flags of the op open-rooted. */
export const ROOTED = { NO_FOLLOW: 1, DIRECTORY: 2 } as const

/** Types of targets that the op ensure knows. */
export const TARGET = { DIRECTORY: 0, FILE: 1, AS_TREE: 2 } as const

/** Without privileges over the host, mounts can be cloned in the container's own mount namespace alone. */
export function opensInside({ facts }: Pick<CompileContext, 'facts'>): boolean {
  return facts.uid !== 0
}

/**
 * A user namespace must be able neither to lift what the host restricts of its mounts nor to uncover what they hide. The kernel sees
 * to that for all that was in a mount namespace when that got into the hands of a user namespace: there the clones are
 * made, though it is the front that has access to the sources.
 */
export function clonesInside(context: Pick<CompileContext, 'facts' | 'linux'>): boolean {
  const { linux } = context
  return !opensInside(context) && findNamespace(linux, 'user') !== undefined && isNew(findNamespace(linux, 'mount'))
}

/** How mount events travel, at each stage of the root's life; values are MS_* without MS_REC. */
export interface RootPropagation {
  /** For the root while it is being filled: what is mounted there must never reach the host. */
  readonly building: number
  /** For bind mounts that name none. */
  readonly binds: number
  /** For the finished root, with MS_REC; 0 when `building` says it already. */
  readonly finished: number
}

const propagations: Readonly<Record<string, RootPropagation>> = {
  // An unbindable tree could not be cloned for readonlyPaths, so that word comes last.
  unbindable: { building: MS.PRIVATE, binds: MS.PRIVATE, finished: MS.UNBINDABLE },
  // A peer group of its own, which gets nothing from the host's.
  shared: { building: MS.PRIVATE, binds: MS.SHARED, finished: MS.SHARED },
  private: { building: MS.PRIVATE, binds: MS.PRIVATE, finished: 0 },
  slave: { building: MS.SLAVE, binds: MS.SLAVE, finished: 0 },
}

/** Spec: config-linux.md#rootfs-mount-propagation. Errors: invalid-config for an unknown word. */
export function rootPropagation({ rootfsPropagation = '' }: Linux): RootPropagation {
  const recursive = rootfsPropagation.startsWith('r')
  const word = recursive ? rootfsPropagation.slice(1) : rootfsPropagation || 'slave'
  const found = Object.hasOwn(propagations, word) ? propagations[word] : undefined
  if (found === undefined) {
    throw invalid(
      '/linux/rootfsPropagation',
      undefined,
      `${JSON.stringify(rootfsPropagation)} is none of shared, slave, private, unbindable`,
    )
  }
  return recursive && found.finished !== 0 ? { ...found, finished: found.finished | MS.REC } : found
}

/** The container's root, opened and made the place that all in-root paths start from. Spec: config.md#root */
export function compileRootfs(context: CompileContext): RootOps {
  const { spec, request, linux } = context
  const path = spec.root?.path ?? ''
  if (path === '') throw invalid('/root/path', undefined, 'is missing: give the directory of the root file system')
  const slot = context.rootSlot()
  const from = origin('/root/path', path)
  const open: Op = {
    kind: 'open-tree',
    path: withoutTrailingSlashes(hostPath(request, path)),
    flags: TREE.RECURSIVE | TREE.DIRECTORY | TREE.NO_FOLLOW,
    slot,
    ...from,
  }
  if (inheritsMounts(context)) return placeRoot(context, open, slot)
  return {
    prepare: [open],
    setup: [
      { kind: 'attach-root', slot, propagation: rootPropagation(linux).building, path: rootfsPath(context), ...from },
    ],
    undo: [],
  }
}

/**
 * What is mounted in the mount namespace of the host does not go away with init, so all of it hangs below one directory,
 * which nobody else uses.
 */
function placeRoot({ request }: CompileContext, open: Op, slot: FdSlot): RootOps {
  const path = `${request.root}/${request.id}/rootfs`
  const from = origin('/linux/namespaces', 'no mount namespace')
  return {
    prepare: [{ kind: 'make-dir', path, mode: 0o711, ...from }, open],
    setup: [{ kind: 'place-root', slot, path, ...from }],
    undo: [
      // Nothing may be mounted there yet.
      { kind: 'unmount', path, ...from, tolerate: ['ENOENT', 'EINVAL'] },
      { kind: 'remove-dir', path, ...from },
    ],
  }
}

/** A trailing slash would follow a symbolic link after all. */
function withoutTrailingSlashes(path: string): string {
  let length = path.length
  while (length > 1 && path.endsWith('/', length)) length--
  return path.slice(0, length)
}

/** What holds for the finished root itself. Spec: config.md#root, config-linux.md#rootfs-mount-propagation */
export function compileRootAttributes({ spec, linux }: CompileContext): Op[] {
  const ops: Op[] = []
  const { finished } = rootPropagation(linux)
  if (finished !== 0) {
    const from = origin('/linux/rootfsPropagation', linux.rootfsPropagation)
    ops.push({ kind: 'root-attr', set: 0n, clear: 0n, propagation: finished, ...from })
  }
  if (spec.root?.readonly === true) {
    ops.push({
      kind: 'root-attr',
      set: BigInt(MOUNT_ATTR.RDONLY),
      clear: 0n,
      propagation: 0,
      ...origin('/root/readonly'),
    })
  }
  return ops
}
