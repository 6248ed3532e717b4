// SPDX-License-Identifier: Apache-2.0
import { exactInteger } from '../../spec/exact-integer.ts'
import type { LinuxNamespaceType } from '../../spec/runtime/namespaces.ts'
import type { Op } from '../plan/ops.ts'
import type { Spawn } from '../plan/plan.ts'
import { byRuntime, type CompileContext, findNamespace, inheritsMounts, invalid, isNew, origin } from './context.ts'

/** CLONE_NEW* of <linux/sched.h>. */
export const CLONE_NEW: Readonly<Record<LinuxNamespaceType, number>> = {
  time: 0x80,
  mount: 0x20000,
  cgroup: 0x2000000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
}

/** Namespaces in the order in which they are joined, but for the user namespace. */
const joinOrder: readonly LinuxNamespaceType[] = ['ipc', 'uts', 'network', 'pid', 'cgroup', 'time', 'mount']

export interface NamespacePlan {
  readonly prepare: readonly Op[]
  readonly setup: readonly Op[]
  readonly spawn: Pick<Spawn, 'cloneFlags' | 'joins' | 'timeOffsets' | 'stage' | 'dumpable'>
}

/** Namespaces to make and to join. Spec: config-linux.md#namespaces. Errors: invalid-config without a mount namespace that is needed. */
export function compileNamespaces(context: CompileContext): NamespacePlan {
  const namespaces = context.linux.namespaces ?? []
  if (inheritsMounts(context) && (context.userNamespace || context.facts.uid !== 0)) {
    throw invalid(
      '/linux/namespaces',
      undefined,
      'only root of the host may mount in the mount namespace of the host: add {"type": "mount"}',
    )
  }
  let cloneFlags = 0
  for (const { type, path } of namespaces) {
    // The new cgroup namespace takes the cgroup of its maker for its root, so init makes it once it is there.
    if ((path ?? '') === '' && type !== 'cgroup') cloneFlags |= CLONE_NEW[type]
  }
  const { prepare, joins } = compileJoins(context)
  return {
    prepare,
    setup: compileLate(context),
    spawn: {
      cloneFlags: cloneFlags >>> 0,
      joins,
      timeOffsets: compileTimeOffsets(context),
      stage: joins.length > 0 || (cloneFlags & CLONE_NEW.time) !== 0,
      dumpable: isCallersOwn(context),
    },
  }
}

/**
 * The kernel shows the namespaces of a process that is not dumpable to root of the host alone. A user who makes a user
 * namespace is to find them, too, in hooks and with `exec`, and there is nobody else in it who could trace init.
 */
function isCallersOwn({ linux, facts }: CompileContext): boolean {
  return facts.uid !== 0 && isNew(findNamespace(linux, 'user'))
}

function compileJoins(context: CompileContext): { readonly prepare: readonly Op[]; readonly joins: Spawn['joins'] } {
  const prepare: Op[] = []
  const joins: Spawn['joins'][number][] = []
  for (const type of orderOfJoins(context)) {
    const namespace = findNamespace(context.linux, type)
    const path = namespace?.path ?? ''
    if (namespace === undefined || path === '') continue
    const slot = context.slots.next()
    const index = context.linux.namespaces?.indexOf(namespace)
    const from = origin(`/linux/namespaces/${index}`, type)
    prepare.push({ kind: 'open-ns', path, nstype: CLONE_NEW[type], slot, ...from })
    joins.push({ slot, type: CLONE_NEW[type] })
  }
  return { prepare, joins }
}

/**
 * Root of the host may enter namespaces of any owner, and keeps that power until it enters a user namespace: last.
 * Anyone else has no power before entering it: first.
 */
function orderOfJoins({ facts }: CompileContext): readonly LinuxNamespaceType[] {
  return facts.uid === 0 ? [...joinOrder, 'user'] : ['user', ...joinOrder]
}

/** What can be done about namespaces only from within. */
function compileLate({ linux }: CompileContext): Op[] {
  const ops: Op[] = []
  const cgroup = findNamespace(linux, 'cgroup')
  if (cgroup !== undefined && isNew(cgroup)) {
    const index = linux.namespaces?.indexOf(cgroup)
    ops.push({ kind: 'unshare', flags: CLONE_NEW.cgroup, ...origin(`/linux/namespaces/${index}`, 'cgroup') })
  }
  if (isNew(findNamespace(linux, 'network'))) {
    ops.push({ kind: 'loopback-up', ...byRuntime('loopback device of the new network namespace') })
  }
  return ops
}

/** Spec: config-linux.md#offset-for-time-namespace */
function compileTimeOffsets({ linux }: CompileContext): string {
  let text = ''
  for (const [clock, offset] of Object.entries(linux.timeOffsets ?? {})) {
    text += `${clock} ${exactInteger(offset, 'secs')} ${offset.nanosecs ?? 0}\n`
  }
  return text
}
