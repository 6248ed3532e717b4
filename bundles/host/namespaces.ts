// SPDX-License-Identifier: Apache-2.0
// The namespaces of a user's commands (host/rootless.ts), seen from inside.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './files.ts'

/** Says to those inside where their namespaces are kept. */
export const INSIDE = 'TSDOCK_ROOTLESS'

let inside: boolean | undefined

/** Whether this process is in a user namespace that is not the machine's own. */
export function isInUserNamespace(): boolean {
  inside ??= !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
  return inside
}

/** Where the namespaces are kept that this process is in; undefined: it is in none that tsdock has made. */
export function ownNamespaces(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const directory = env[INSIDE]
  return directory !== undefined && directory !== '' && isInUserNamespace() ? directory : undefined
}

/** What runs a program in the network of the containers: for what manages networks. */
export function networkCommand(program: string, args: readonly string[]): readonly [string, readonly string[]] {
  const directory = ownNamespaces()
  if (directory === undefined) return [program, args]
  return [findProgram('tsdock-rootless'), ['network', directory, program, ...args]]
}

/** The network namespace of a user's containers, and what tells it from others; undefined: they are in this process' own. */
export function ownNetwork(): { readonly path: string; readonly id: string } | undefined {
  const directory = ownNamespaces()
  if (directory === undefined) return undefined
  const path = join(directory, 'network-ns')
  return { path, id: String(statSync(path).ino) }
}
