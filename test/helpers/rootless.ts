// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Json } from './bundle.ts'
import { isRootless } from './host.ts'

/** First id and number of the ids that a file such as /etc/subuid gives to the user of the tests. */
function subordinateIds(file: string): readonly [first: number, count: number] | undefined {
  try {
    const entry = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === userInfo().username)
    return entry === undefined ? undefined : [Number(entry[1]), Number(entry[2])]
  } catch {
    return undefined
  }
}

function mappings(own: number, file: string): readonly Json[] {
  const [first, count] = subordinateIds(file) ?? []
  const self = { containerID: 0, hostID: own, size: 1 }
  return first === undefined ? [self] : [self, { containerID: 1, hostID: first, size: count }]
}

/**
 * A config as a user needs it: with a user namespace, in which root is the user itself. What it says of user namespaces
 * stays as it is.
 */
export function forThisUser(config: Json): Json {
  const linux = config['linux'] as Json | undefined
  const namespaces = linux?.['namespaces'] as readonly Json[] | undefined
  if (!isRootless || linux === undefined || namespaces === undefined) return config
  if (namespaces.some(({ type }) => type === 'user') || 'uidMappings' in linux) return config
  return {
    ...config,
    linux: {
      ...linux,
      namespaces: [...namespaces, { type: 'user' }],
      uidMappings: mappings(process.getuid?.() ?? 0, '/etc/subuid'),
      gidMappings: mappings(process.getgid?.() ?? 0, '/etc/subgid'),
    },
  }
}
