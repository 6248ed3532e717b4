// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import type { CgroupPaths } from '../cgroups/compile-update.ts'
import { byRuntime, createContext, findNamespace, hasFlag, invalid, option } from '../compile/context.ts'
import type { PlanRequest } from '../facts/request.ts'
import type { Op } from '../plan/ops.ts'
import type { Plan } from '../plan/plan.ts'
import { SlotAllocator } from '../plan/slots.ts'
import { openImages, openWork } from './directories.ts'
import { dumpedMounts, type MountView } from './external-mounts.ts'
import { commonOptions, EXTERNAL_NAMESPACE, LOG_FILE, pageServer } from './options.ts'
import type { CriuOptions, EncodeCriuRequest } from './rpc.ts'

/** What is known about criu, and about the container on its way to an image. */
export interface CheckpointInput extends MountView {
  /** Path of the program. */
  readonly criu: string
  readonly encode: EncodeCriuRequest
  readonly configFile: string
  readonly rootfs: string
  /** File of the freezer; '' without one. */
  readonly freezerFile: string
  /** /proc/PID/cgroup of init, and the container's own cgroups by controller. */
  readonly cgroup: string
  readonly cgroupPaths: CgroupPaths
  /** Inodes of namespaces of init that have a path in the config. */
  readonly namespaceInodes: Readonly<Partial<Record<keyof typeof EXTERNAL_NAMESPACE, number>>>
}

/** What the op criu-call has for no descriptor. */
const NO_STATUS = 0xffffffff

/** The plan of `checkpoint`: it is carried out, and never stored. Pure. Errors: usage, not-supported, invalid-config. */
export function compileCheckpoint(request: PlanRequest, spec: Spec, input: CheckpointInput): Plan {
  const warnings: string[] = []
  if (request.facts.uid !== 0) warnings.push('checkpoint: without root, criu can do little')
  const options = checkpointOptions(request, spec, input)
  const type = hasFlag(request, 'pre-dump') ? 'preDump' : 'dump'
  const slots = new SlotAllocator()
  const socket = slots.next()
  return {
    ...emptyPlan(request, input.rootfs),
    sections: {
      ...NO_OPS,
      setup: [
        ...openImages(request, slots),
        ...openWork(request, slots),
        { kind: 'criu-socket', slot: socket, ...byRuntime('criu') },
      ],
      start: [{ kind: 'exec-criu', slot: socket, program: input.criu, ...byRuntime('criu') }],
      commit: [callCriu('checkpoint', input.encode(type, options), statusFd(request))],
    },
    slots: slots.count,
    warnings,
  }
}

/** What criu is asked for. */
export function checkpointOptions(request: PlanRequest, spec: Spec, input: CheckpointInput): CriuOptions {
  if (spec.process === undefined) throw invalid('/process', undefined, 'must not be empty: it names what runs')
  const context = createContext(request, spec, spec.process, [])
  const preDump = hasFlag(request, 'pre-dump')
  const parentImg = option(request, 'parent-path') || undefined
  if (parentImg?.startsWith('/'))
    throw new TsrunError('usage', '--parent-path must be relative: it counts from --image-path')
  return {
    ...commonOptions(request, spec, input.configFile),
    logFile: LOG_FILE.checkpoint,
    pid: request.target?.pid,
    root: input.rootfs,
    leaveRunning: hasFlag(request, 'leave-running'),
    tcpSkipInFlight: hasFlag(request, 'tcp-skip-in-flight'),
    linkRemap: hasFlag(request, 'link-remap'),
    freezeCgroup: input.freezerFile === '' ? undefined : input.freezerFile.replace(/\/[^/]*$/, ''),
    pageServer: pageServer(request),
    parentImg,
    trackMem: preDump || parentImg !== undefined ? true : undefined,
    external: [...externalNamespaces(input), ...(preDump ? [] : dumpedMounts(context, input))],
    cgroupRoots: [],
    dumpControllers: ownHierarchies(input),
    inheritFds: [],
    joinNamespaces: [],
  }
}

/** They belong to somebody else: the image only knows that they are there. */
function externalNamespaces({ namespaceInodes }: CheckpointInput): readonly string[] {
  const { network, pid } = namespaceInodes
  return [
    ...(network === undefined ? [] : [`net[${network}]:${EXTERNAL_NAMESPACE.network}`]),
    ...(pid === undefined ? [] : [`pid[${pid}]:${EXTERNAL_NAMESPACE.pid}`]),
  ]
}

/**
 * criu saves all that is below the cgroup of init, and makes it again. Where the container has no cgroup of its own in a hierarchy
 * that is not mounted, these would be cgroups of others.
 */
function ownHierarchies({ cgroup, cgroupPaths }: CheckpointInput): readonly string[] | undefined {
  const all = cgroup.split('\n').flatMap((line) => /^\d+:([^:]*):/.exec(line)?.[1] ?? [])
  const own = all.filter((names) => names.split(',').some((name) => cgroupPaths[name] !== undefined))
  // For criu, a list without entries has all; a container without cgroups is one of a user.
  return own.length === 0 || own.length === all.length ? undefined : own
}

function statusFd(request: PlanRequest): number {
  const given = option(request, 'status-fd')
  return given === undefined || Number(given) < 0 ? NO_STATUS : Number(given)
}

/** The whole conversation with criu. */
export function callCriu(verb: string, request: Uint8Array, status = NO_STATUS): Op {
  return { kind: 'criu-call', request, status, ...byRuntime(verb) }
}

export const NO_SPAWN: Plan['spawn'] = {
  cloneFlags: 0,
  joins: [],
  timeOffsets: '',
  cgroupSlot: null,
  terminal: false,
  stage: false,
  exec: false,
  dumpable: false,
}

export const NO_OPS: Plan['sections'] = {
  prepare: [],
  adopt: [],
  hooks: [],
  setup: [],
  drop: [],
  start: [],
  commit: [],
  poststart: [],
  undo: [],
  poststop: [],
  pause: [],
  resume: [],
}

function emptyPlan(request: PlanRequest, rootfs: string): Pick<Plan, 'fields' | 'spawn'> {
  return {
    fields: {
      id: request.id,
      stateJson: '',
      stateOutput: '',
      freezerFile: '',
      killDir: '',
      sharesPidNamespace: false,
      bundle: request.bundle,
      rootfs,
      created: request.facts.time,
      procsDirs: [],
    },
    spawn: NO_SPAWN,
  }
}

/** Namespaces with a path in the config that criu can leave to others. */
export function externalTypes(spec: Spec): readonly (keyof typeof EXTERNAL_NAMESPACE)[] {
  const types = ['network', 'pid'] as const
  return types.filter((type) => (findNamespace(spec.linux, type)?.path ?? '') !== '')
}
