// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { pointerTo } from '../../spec/pointer.ts'
import type { Op, Provenance } from '../plan/ops.ts'
import { cgroupManager } from './cgroup-manager.ts'
import { type CompileContext, invalid, notSupported, origin } from './context.ts'

/** What all annotations begin with that engines write for other runtimes, and that are known here. */
export const KNOWN_PREFIX = 'run.oci.'

const KEEP_GROUPS = 'run.oci.keep_original_groups'
const LABEL_OPTION = 'run.oci.mount_context_type'
const PIDFD_RECEIVER = 'run.oci.pidfd_receiver'
export const HOOKS_STDOUT = 'run.oci.hooks.stdout'
export const HOOKS_STDERR = 'run.oci.hooks.stderr'

/** The annotations that change what is done. */
export const HONOURED: readonly string[] = [KEEP_GROUPS, LABEL_OPTION, PIDFD_RECEIVER, HOOKS_STDOUT, HOOKS_STDERR]

/** Without them the container would be another than the one that was asked for, or less confined. */
const refused: Readonly<Record<string, string>> = {
  'run.oci.handler': 'containers are processes of this host, other handlers are not supported: remove it',
  'run.oci.seccomp.plugins': 'not supported: name an agent in linux.seccomp.listenerPath',
  'run.oci.seccomp.receiver': 'not supported: name the agent in linux.seccomp.listenerPath',
  'run.oci.seccomp_bpf_data': 'programs in BPF are not supported: give the rules in linux.seccomp',
  'run.oci.seccomp_fail_unknown_syscall': 'not supported: unknown system calls of a profile are left out',
}

/** Without them something is missing that a container can do without. Any other one of the prefix is told the same of. */
const without: Readonly<Record<string, string>> = {
  'run.oci.delegate-cgroup': 'a container that shall make cgroups gets a cgroup namespace and a writable cgroup mount',
}

const LABEL_OPTIONS = ['context', 'fscontext', 'defcontext', 'rootcontext']

type Annotated = Pick<CompileContext, 'spec'>

function annotation({ spec }: Annotated, name: string): string | undefined {
  const annotations = spec.annotations ?? {}
  return Object.hasOwn(annotations, name) ? annotations[name] : undefined
}

/**
 * Looks at the annotations that other runtimes act on: those that matter are refused, the rest is told.
 * Errors: not-supported, invalid-config.
 */
export function checkAnnotations(context: CompileContext): void {
  for (const name in context.spec.annotations) {
    if (!name.startsWith(KNOWN_PREFIX) || HONOURED.includes(name)) continue
    const pointer = pointerTo('/annotations', name)
    const why = Object.hasOwn(refused, name) ? refused[name] : undefined
    if (why !== undefined) throw notSupported(pointer, why)
    if (name.startsWith('run.oci.systemd.') && !concernsUnit(context, name)) continue
    const instead = Object.hasOwn(without, name) ? `: ${without[name]}` : ''
    context.warn(`${origin(pointer).label}: without effect${instead}`)
  }
}

/** They are about how systemd makes the cgroup, and say nothing where it does not. '' is for no cgroup below the unit's. */
function concernsUnit(context: CompileContext, name: string): boolean {
  return cgroupManager(context.request) === 'systemd' && annotation(context, name) !== ''
}

/** The process keeps the supplementary groups of the caller, for files that only those may read. */
export function keepsGroups(context: Annotated): boolean {
  const value = annotation(context, KEEP_GROUPS)
  return value === '1' || value === 'true'
}

/** The mount option that linux.mountLabel is given with. Errors: invalid-config. */
export function labelOption(context: Annotated): string {
  const value = annotation(context, LABEL_OPTION) ?? 'context'
  if (LABEL_OPTIONS.includes(value)) return value
  throw invalid(
    pointerTo('/annotations', LABEL_OPTION),
    undefined,
    `${JSON.stringify(value)} is none of ${LABEL_OPTIONS.join(', ')}`,
  )
}

/** A file of the host that an annotation names; undefined without it. Errors: invalid-config for a relative one. */
export function annotatedPath(
  context: Annotated,
  name: string,
): { readonly path: string; readonly from: Provenance } | undefined {
  const path = annotation(context, name) ?? ''
  if (path === '') return undefined
  const from = origin(pointerTo('/annotations', name))
  if (path.startsWith('/')) return { path, from }
  throw new TsrunError('invalid-config', `${from.label}: ${JSON.stringify(path)} is no absolute path`, {
    pointer: from.cause,
  })
}

export interface PidfdPlan {
  readonly prepare: readonly Op[]
  readonly commit: readonly Op[]
}

const SOCK_STREAM = 1

/** Sends a pidfd of the container's init to a socket: the connection is made while nothing is there to be undone. */
export function compilePidfdReceiver(context: CompileContext): PidfdPlan {
  const named = annotatedPath(context, PIDFD_RECEIVER)
  if (named === undefined) return { prepare: [], commit: [] }
  const { path, from } = named
  const slot = context.slots.next()
  return {
    prepare: [{ kind: 'connect', path, socktype: SOCK_STREAM, slot, ...from }],
    commit: [{ kind: 'send-pidfd', socket: slot, ...from }],
  }
}
