// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Json } from './bundle.ts'
import { isRootless } from './host.ts'

/** A user without root's powers. */
export interface PlainUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** First id and number of the ids that a file such as /etc/subuid gives to a user. */
function subordinateIds(file: string, { name }: PlainUser): readonly [first: number, count: number] | undefined {
  if (!existsSync(file)) return undefined
  const lines = readFileSync(file, 'utf8').split('\n')
  const entry = lines.map((line) => line.split(':')).find(([owner]) => owner === name)
  return entry === undefined ? undefined : [Number(entry[1]), Number(entry[2])]
}

function mappings(own: number, ids: ReturnType<typeof subordinateIds>): readonly Json[] {
  const self = { containerID: 0, hostID: own, size: 1 }
  return ids === undefined ? [self] : [self, { containerID: 1, hostID: ids[0], size: ids[1] }]
}

/** A config with a user namespace, in which root is the user itself. */
export function withUserNamespace(config: Json, user: PlainUser): Json {
  const linux = config['linux'] as Json
  return {
    ...config,
    linux: {
      ...linux,
      namespaces: [...(linux['namespaces'] as readonly Json[]), { type: 'user' }],
      uidMappings: mappings(user.uid, subordinateIds('/etc/subuid', user)),
      gidMappings: mappings(user.gid, subordinateIds('/etc/subgid', user)),
    },
  }
}

/** The same with the user alone: nothing is needed that has the powers of root, such as newuidmap. */
export function withOwnIdAlone(config: Json): Json {
  const linux = config['linux'] as Json
  const { uid, gid } = userInfo()
  const mounts = (config['mounts'] as readonly Json[]).map((mount) => ({
    ...mount,
    options: ((mount['options'] as readonly string[] | undefined) ?? []).filter((option) => option !== 'gid=5'),
  }))
  const namespaces = [...(linux['namespaces'] as readonly Json[]), { type: 'user' }]
  return {
    ...config,
    mounts,
    linux: { ...linux, namespaces, uidMappings: mappings(uid, undefined), gidMappings: mappings(gid, undefined) },
  }
}

/** File systems of namespaces, and where the host has its own. */
const ofNamespaces: Readonly<Record<string, readonly [namespace: string, path: string]>> = {
  proc: ['pid', '/proc'],
  sysfs: ['network', '/sys'],
  mqueue: ['ipc', '/dev/mqueue'],
}

/** Of a namespace that is the host's a user cannot mount the file system anew. */
function withHostFileSystems(config: Json, namespaces: readonly Json[]): Json {
  const mounts = (config['mounts'] as readonly Json[] | undefined)?.map((mount) => {
    const [namespace, path] = ofNamespaces[String(mount['type'])] ?? []
    if (path === undefined || namespaces.some(({ type }) => type === namespace)) return mount
    const options = (mount['options'] as readonly string[] | undefined) ?? []
    return { ...mount, type: 'none', source: path, options: ['rbind', ...options] }
  })
  return mounts === undefined ? config : { ...config, mounts }
}

/** A config as the user of the tests needs it. What it says of user namespaces itself stays as it is. */
export function forThisUser(config: Json): Json {
  const linux = config['linux'] as Json | undefined
  const namespaces = linux?.['namespaces']
  if (!isRootless || linux === undefined || !Array.isArray(namespaces)) return config
  if (namespaces.some(({ type }) => type === 'user') || 'uidMappings' in linux) return config
  const { username, uid, gid } = userInfo()
  return withUserNamespace(withHostFileSystems(config, namespaces), { name: username, uid, gid })
}
