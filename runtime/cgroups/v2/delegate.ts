// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../../../spec/runtime/config.ts'
import type { LinuxIDMapping } from '../../../spec/runtime/namespaces.ts'
import type { Op } from '../../plan/ops.ts'
import type { CgroupContext, ContainerCgroup } from '../cgroup-plan.ts'

/** What /sys/kernel/cgroup/delegate lists; limits are not among them. Not every kernel has the last two. */
const files = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'memory.oom.group', 'memory.reclaim']

const KEEP_GROUP = 0xffffffff

/**
 * Gives the container's cgroup to the container's user, when config.json means it to make cgroups below: a new cgroup
 * namespace and a writable /sys/fs/cgroup. Spec: config-linux.md#cgroup-ownership
 */
export function compileDelegation(cgroup: ContainerCgroup, { input, origin }: CgroupContext): Op[] {
  const { spec, rootless } = input
  if (rootless || !wantsDelegation(spec)) return []
  const owner = hostUser(spec)
  if (owner === undefined || owner === 0) return []
  return ['', ...files].map((file) => ({
    kind: 'chown',
    path: file === '' ? cgroup.directory : `${cgroup.directory}/${file}`,
    uid: owner,
    gid: KEEP_GROUP,
    ...origin,
    ...(file !== '' && { tolerate: ['ENOENT'] as const }),
  }))
}

function wantsDelegation({ linux, mounts }: Spec): boolean {
  const namespace = linux?.namespaces?.find(({ type }) => type === 'cgroup')
  if (namespace === undefined || namespace.path) return false
  return (mounts ?? []).some(
    ({ type, destination, options = [] }) =>
      type === 'cgroup' &&
      destination.replace(/\/+$/, '') === '/sys/fs/cgroup' &&
      options.findLast((option) => /^r?r[ow]$/.test(option))?.endsWith('o') !== true,
  )
}

/** Id of process.user outside of the container's user namespace; undefined when it is not known or has none. */
function hostUser({ linux, process }: Spec): number | undefined {
  const uid = process?.user.uid
  const namespace = linux?.namespaces?.find(({ type }) => type === 'user')
  if (uid === undefined || namespace === undefined) return uid
  return namespace.path ? undefined : mapId(uid, linux?.uidMappings ?? [])
}

function mapId(id: number, mappings: readonly LinuxIDMapping[]): number | undefined {
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return mapping && mapping.hostID + id - mapping.containerID
}
