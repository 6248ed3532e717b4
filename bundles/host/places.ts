// SPDX-License-Identifier: Apache-2.0
// Where tsdock keeps what it knows.

import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ownNamespaces } from './namespaces.ts'

/** `--storage`, `$TSDOCK_ROOT`, /var/lib/tsdock for root, else ~/.local/share/tsdock. */
export function storageDirectory(given: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = given ?? env['TSDOCK_ROOT']
  if (chosen !== undefined && chosen !== '') return chosen
  if (process.getuid?.() === 0) return '/var/lib/tsdock'
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'tsdock')
}

/** For root, and for a user: of those that belong to the user, the first. */
function runtimeBase(env: NodeJS.ProcessEnv): string {
  const uid = process.getuid?.() ?? 0
  if (uid === 0) return '/run/tsdock'
  const isOwn = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.uid === uid
  const found = [env['XDG_RUNTIME_DIR'] ?? '', `/run/user/${uid}`].find((path) => path !== '' && isOwn(path))
  return found === undefined ? `/tmp/tsdock-${uid}` : join(found, 'tsdock')
}

/** Where what ends with the machine is kept for a storage: each has its own. */
export function runtimeDirectoryOf(storage: string, env: NodeJS.ProcessEnv = process.env): string {
  const name = createHash('sha256').update(resolve(storage)).digest('hex').slice(0, 12)
  const own = ownNamespaces(env)
  return join(own === undefined ? runtimeBase(env) : dirname(own), name)
}
