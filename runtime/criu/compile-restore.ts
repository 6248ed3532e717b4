// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../spec/runtime/config.ts'
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { CgroupPlan } from '../cgroups/cgroup-plan.ts'
import { compileCgroups } from '../cgroups/compile-cgroups.ts'
import type { CgroupLayout } from '../cgroups/hierarchies.ts'
import { parseCgroupLayout } from '../cgroups/hierarchies.ts'
import { checkAnnotations, compilePidfdReceiver } from '../compile/annotations.ts'
import { chooseCgroups } from '../compile/cgroup-manager.ts'
import {
  byRuntime,
  type CompileContext,
  createContext,
  findNamespace,
  hasFlag,
  invalid,
  isNew,
  notSupported,
  option,
  origin,
} from '../compile/context.ts'
import { compileHookFiles, compileHooks } from '../compile/hooks.ts'
import { compileIntelRdt } from '../compile/intel-rdt.ts'
import { compileBind } from '../compile/mount-bind.ts'
import { isBelow, type MountEntry, mountRole, toMountEntries } from '../compile/mount-entry.ts'
import { CLONE_NEW } from '../compile/namespaces.ts'
import { compileNetDevices, type NetDevicePlan } from '../compile/net-devices.ts'
import { TARGET, TREE } from '../compile/rootfs.ts'
import { notifySource } from '../compile/notify-socket.ts'
import { compileFields } from '../compile/plan-fields.ts'
import { rootfsPath } from '../compile/state-json.ts'
import type { PlanRequest } from '../facts/request.ts'
import type { Op } from '../plan/ops.ts'
import type { Plan } from '../plan/plan.ts'
import { callCriu, NO_OPS, NO_SPAWN } from './compile-checkpoint.ts'
import { openMappedImages, openWork } from './directories.ts'
import { type PathView, restoredMounts, toExternals } from './external-mounts.ts'
import { commonOptions, EXTERNAL_NAMESPACE, FD, LOG_FILE, lsmProfile } from './options.ts'
import type { CriuOptions, EncodeCriuRequest } from './rpc.ts'
import { cloneSources } from './source-clones.ts'

/** What is known about criu, and about the image. */
export interface RestoreInput extends PathView {
  /** Path of the program. */
  readonly criu: string
  readonly encode: EncodeCriuRequest
  readonly configFile: string
  /** Whether the root of the container's user namespace is let in where a source lies. */
  readonly reaches: (path: string) => boolean
  /** The image adds to another one. */
  readonly hasParent: boolean
  /** Pipes of the caller that take the place of those in the image. */
  readonly pipes: readonly { readonly key: string; readonly fd: number }[]
}

const DIRECTORY_MODE = 0o700

/**
 * Where criu puts the old root, for a moment. Where a root has no such directory, criu makes one of another name: from version
 * 4.2 on too late, as the root is read-only by then if it was.
 */
const PIVOT_PLACE = 'tmp'

/** Namespaces that criu lets restored processes join, by its own names. */
const joinable: Readonly<Partial<Record<LinuxNamespaceType, string>>> = {
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  time: 'time',
}

interface External {
  readonly prepare: readonly Op[]
  readonly start: readonly Op[]
  readonly inherit: CriuOptions['inheritFds']
}

/**
 * The plan of `restore`. It is stored as that of `create` is: what comes after (pause, exec, delete ...) is the same.
 * A process is born into the container's cgroups and a mount namespace of its own, prepares the root and becomes criu;
 * what criu restores is again a child of the front. Pure. Errors: as compile.
 */
export function compileRestore(request: PlanRequest, spec: Spec, input: RestoreInput): Plan {
  const warnings: string[] = []
  if (spec.process === undefined) throw invalid('/process', undefined, 'must not be empty: it names what to run')
  const context = createContext(request, spec, spec.process, warnings)
  checkAnnotations(context)
  warnOf(context)
  const cgroups = chooseCgroups(context, compileCgroups)
  const layout = cgroups.layout ?? parseCgroupLayout(context.facts.mountinfo, context.facts.cgroup)
  const intelRdt = compileIntelRdt(context)
  const pidfd = compilePidfdReceiver(context)
  const namespaces = compileExternal(context)
  const socket = context.slots.next()
  const place = `${request.root}/${request.id}/criu-root`
  const root = compileRoot(context, place)
  const images = openMappedImages(context, input.hasParent)
  const sources = cloneSources(context, restoredMounts(context, layout, cgroups.paths, input), input.reaches)
  const inheritFds = [...input.pipes, ...namespaces.inherit]
  const given = { root: place, external: toExternals(sources.mounts), inheritFds }
  const options = { ...restoreOptions(context, input, layout, cgroups.paths), ...given }
  const sections: Plan['sections'] = {
    ...NO_OPS,
    prepare: [
      ...cgroups.prepare,
      { kind: 'make-dir', path: place, mode: DIRECTORY_MODE, ...byRuntime('root for criu') },
      // Nobody reads there any more: a container that is restored has said that it is ready.
      { kind: 'make-dir', path: notifySource(request), mode: 0o755, ...byRuntime('NOTIFY_SOCKET') },
      ...root.prepare,
      ...namespaces.prepare,
      ...images.prepare,
      ...pidfd.prepare,
      ...compileHookFiles(context),
      ...compileNetwork(context).prepare,
      ...intelRdt.prepare,
    ],
    adopt: [...cgroups.adopt, ...intelRdt.adopt],
    hooks: compileEmpty(context),
    setup: [
      ...cgroups.setup,
      ...images.setup,
      ...openWork(request, context.slots),
      ...root.setup,
      ...sources.setup,
      { kind: 'criu-socket', slot: socket, ...byRuntime('criu') },
    ],
    start: [...namespaces.start, { kind: 'exec-criu', slot: socket, program: input.criu, ...byRuntime('criu') }],
    commit: [makeScratch(context), callCriu('restore', input.encode('restore', options)), ...pidfd.commit],
    poststart: compileReadonly(context),
    undo: [...cgroups.undo, ...intelRdt.undo],
    poststop: compileHooks(context, 'poststop'),
    pause: cgroups.pause,
    resume: cgroups.resume,
  }
  return {
    sections,
    fields: compileFields(context, cgroups, intelRdt),
    spawn: spawnFor(context, cgroups),
    slots: context.slots.count,
    warnings: [...warnings, ...cgroups.warnings],
  }
}

function makeScratch(context: CompileContext): Op {
  return { kind: 'criu-scratch', path: `${rootfsPath(context)}/${PIVOT_PLACE}`, ...byRuntime('criu') }
}

function spawnFor({ process }: CompileContext, { cgroupSlot }: CgroupPlan): Plan['spawn'] {
  return { ...NO_SPAWN, cloneFlags: CLONE_NEW.mount, cgroupSlot, terminal: process.terminal === true }
}

function warnOf({ rootless, request, warn }: CompileContext): void {
  if (rootless) warn('restore: without root, criu can do little')
  if (hasFlag(request, 'no-pivot')) warn('--no-pivot: without effect, criu changes the root with pivot_root')
}

/** While the container has namespaces and nothing else. */
function compileEmpty(context: CompileContext): Op[] {
  return [
    ...compileNetwork(context).adopt,
    ...compileHooks(context, 'prestart'),
    ...compileHooks(context, 'createRuntime'),
  ]
}

/** The network namespace is new, and as empty as that of `create`: see emptyNs. One with a path has its devices. */
function compileNetwork(context: CompileContext): NetDevicePlan {
  if (!isNew(findNamespace(context.linux, 'network'))) return { prepare: [], adopt: [] }
  const { prepare, adopt } = compileNetDevices(context)
  const loopback = byRuntime('loopback device of the new network namespace')
  return { prepare, adopt: [{ kind: 'loopback-of-init', ...loopback }, ...adopt] }
}

/** criu before 4.2 sets the attributes of all mounts but that of the root. */
function compileReadonly({ spec }: CompileContext): Op[] {
  return spec.root?.readonly === true ? [{ kind: 'readonly-root-of-init', ...origin('/root/readonly') }] : []
}

/** What criu is asked for, but for what has slots. */
function restoreOptions(
  context: CompileContext,
  input: Pick<RestoreInput, 'configFile'>,
  layout: CgroupLayout,
  directories: Readonly<Record<string, string>>,
): Omit<CriuOptions, 'root' | 'external' | 'inheritFds'> {
  const { request, spec } = context
  return {
    ...commonOptions(request, spec, input.configFile),
    logFile: LOG_FILE.restore,
    rstSibling: true,
    evasiveDevices: true,
    tcpClose: hasFlag(request, 'tcp-close'),
    lsmProfile: lsmProfile(request),
    lsmMountContext: option(request, 'lsm-mount-context') || undefined,
    cgroupRoots: cgroupRoots(layout, directories),
    joinNamespaces: joinedNamespaces(context),
  }
}

/** Where criu finds the container's cgroups, whatever they were called when the image was made. */
function cgroupRoots(
  { hierarchies }: CgroupLayout,
  directories: Readonly<Record<string, string>>,
): CriuOptions['cgroupRoots'] {
  const roots: { controller: string; path: string }[] = []
  for (const { version, controllers, mountPoint } of hierarchies) {
    for (const controller of version === 2 ? [''] : controllers) {
      const directory = directories[controller]
      if (directory?.startsWith(`${mountPoint}/`)) roots.push({ controller, path: directory.slice(mountPoint.length) })
    }
  }
  return roots
}

function joinedNamespaces({ linux }: CompileContext): CriuOptions['joinNamespaces'] {
  const joins: { type: string; path: string }[] = []
  for (const [index, { type, path = '' }] of (linux.namespaces ?? []).entries()) {
    if (path === '' || type === 'network' || type === 'pid') continue
    const name = joinable[type]
    if (name === undefined)
      throw notSupported(
        `/linux/namespaces/${index}`,
        `criu cannot restore into a ${type} namespace that is there already`,
      )
    joins.push({ type: name, path })
  }
  return joins
}

/** Namespaces that the image leaves to others: criu gets them as open files. */
function compileExternal(context: CompileContext): External {
  const prepare: Op[] = []
  const start: Op[] = []
  const inherit: { key: string; fd: number }[] = []
  for (const type of ['network', 'pid'] as const) {
    const path = findNamespace(context.linux, type)?.path ?? ''
    if (path === '') continue
    const slot = context.slots.next()
    const number = FD.namespaces + inherit.length
    const from = origin('/linux/namespaces', type)
    prepare.push({ kind: 'open-ns', path, nstype: CLONE_NEW[type], slot, ...from })
    start.push({ kind: 'number-fd', slot, number, ...from })
    inherit.push({ key: EXTERNAL_NAMESPACE[type], fd: number })
  }
  return { prepare, start, inherit }
}

/**
 * The root that criu builds on: a mount, of which it knows the parent. Mount points in it are made as `create` makes them,
 * which takes the bind mounts, as some lie in others; then criu gets a fresh one.
 */
function compileRoot(context: CompileContext, place: string): { readonly prepare: Op[]; readonly setup: Op[] } {
  const prepare: Op[] = []
  const setup: Op[] = []
  const attach = (): void => {
    const slot = context.slots.next()
    const from = origin('/root/path', context.spec.root?.path)
    prepare.push({
      kind: 'open-tree',
      path: rootfsPath(context),
      flags: TREE.RECURSIVE | TREE.DIRECTORY | TREE.NO_FOLLOW,
      slot,
      ...from,
    })
    setup.push({ kind: 'criu-root', tree: slot, path: place, ...from })
  }
  attach()
  const inImage: string[] = []
  for (const entry of toMountEntries(context)) {
    const role = mountRole(entry)
    if (role === 'change' || inImage.some((path) => isBelow(entry.destination, path))) continue
    if (role !== 'bind') {
      // With all that is in it.
      inImage.push(entry.destination)
      setup.push(ensureDirectory(entry))
      continue
    }
    const bind = compileBind(entry)
    prepare.push(...bind.prepare)
    setup.push(...bind.setup)
  }
  attach()
  return { prepare, setup }
}

function ensureDirectory({ context, destination, origin: from }: MountEntry): Op {
  return {
    kind: 'ensure',
    path: destination,
    type: TARGET.DIRECTORY,
    like: null,
    mode: 0o755,
    target: context.targetSlot(),
    ...from,
  }
}
