// SPDX-License-Identifier: Apache-2.0
import type { LinuxIDMapping } from '../../spec/runtime/namespaces.ts'
import type { Op } from '../plan/ops.ts'
import { type CompileContext, findNamespace, isNew, origin } from './context.ts'

const DENY_SETGROUPS = 1
const THROUGH_HELPER = 2
const UID_MAP = 0
const GID_MAP = 1

/** Writes the maps of a new user namespace. Spec: config-linux.md#user-namespace-mappings */
export function compileIdMappings(context: CompileContext): Op[] {
  const { linux, facts } = context
  if (!isNew(findNamespace(linux, 'user'))) return []
  const { uidMappings = [], gidMappings = [] } = linux
  // Without privileges the kernel lets a process map its own id and no other; newuidmap(1) may do more.
  const uidHelper = facts.uid !== 0 && !isOwnIdAlone(uidMappings, facts.uid)
  const gidHelper = facts.uid !== 0 && !isOwnIdAlone(gidMappings, facts.gid)
  return [
    {
      kind: 'id-map',
      which: UID_MAP,
      map: toMapText(uidMappings),
      flags: uidHelper ? THROUGH_HELPER : 0,
      ...origin('/linux/uidMappings'),
    },
    {
      kind: 'id-map',
      which: GID_MAP,
      map: toMapText(gidMappings),
      flags: gidHelper ? THROUGH_HELPER : deniesSetgroups(context) ? DENY_SETGROUPS : 0,
      ...origin('/linux/gidMappings'),
    },
  ]
}

/** A gid_map that an unprivileged process writes itself needs setgroups(2) to be given up. */
export function deniesSetgroups({ linux, facts }: CompileContext): boolean {
  return facts.uid !== 0 && isNew(findNamespace(linux, 'user')) && isOwnIdAlone(linux.gidMappings ?? [], facts.gid)
}

/** The caller's user namespace, whose groups the process keeps, has given setgroups(2) up; those within it have, too. */
export function isDeniedSetgroups({ linux, facts }: CompileContext): boolean {
  const user = findNamespace(linux, 'user')
  return (user === undefined || isNew(user)) && facts.setgroups?.trim() === 'deny'
}

function isOwnIdAlone(mappings: readonly LinuxIDMapping[], id: number): boolean {
  const [first] = mappings
  return mappings.length === 1 && first?.size === 1 && first.hostID === id
}

/** The lines of uid_map and gid_map. */
export function toMapText(mappings: readonly LinuxIDMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')
}
