// SPDX-License-Identifier: Apache-2.0
// Where systemd runs: scopes for processes that are to outlive the unit that a command was called in, a service or the scope of
// a login session. systemd ends all that is in those.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { findProgram } from './files.ts'
import { ownNamespaces } from './namespaces.ts'

export interface Scope {
  /** What asks for it: tsrun-systemd. */
  readonly program: string
  readonly bus: 'system' | 'user'
  readonly unit: string
  /** As that program reads them. */
  readonly properties: readonly string[]
}

/** As sd_booted(3); and it manages this process namespace, so that numbers of processes mean the same to both. */
function isBootedHere(): boolean {
  if (!existsSync('/run/systemd/system')) return false
  try {
    return readFileSync('/proc/1/comm', 'utf8') === 'systemd\n'
  } catch {
    // It is hidden from users.
    return true
  }
}

/** What is missing is told by whoever starts it. */
function programPath(): string {
  try {
    return findProgram('tsrun-systemd')
  } catch {
    return 'tsrun-systemd'
  }
}

/** stopSeconds: how long its processes may take to end. Undefined: systemd does not run here. */
export function scopeOf(unit: string, description: string, stopSeconds?: number): Scope | undefined {
  if (!isBootedHere()) return undefined
  const isUsers = process.getuid?.() !== 0 || ownNamespaces() !== undefined
  return {
    program: programPath(),
    bus: isUsers ? 'user' : 'system',
    unit,
    properties: [
      `Description=s ${description}`,
      `Slice=s ${isUsers ? 'user.slice' : 'system.slice'}`,
      // Others may be put into it later.
      'Delegate=b true',
      'CollectMode=s inactive-or-failed',
      // The machine goes down from the last to the first: while containers end, they have files and the network.
      ...(isUsers ? [] : ['After=as 2\tlocal-fs.target\tnetwork.target']),
      ...(stopSeconds === undefined ? [] : [`TimeoutStopUSec=t ${stopSeconds * 1_000_000}`]),
    ],
  }
}

/** The scope of what all containers of a user share: who holds the namespaces, and who carries the network. */
export const sharedScope = (namespaces: string): Scope | undefined =>
  scopeOf(`tsdock-rootless-${basename(namespaces)}.scope`, 'Namespaces and network of the containers of tsdock')

/**
 * Puts a process into a scope, which is made unless it is there. When that fails, it stays where it is: whoever starts a
 * container hears why from its monitor, which asks for the like.
 */
export async function joinScope(scope: Scope | undefined, pid: number): Promise<void> {
  if (scope === undefined) return
  const child = spawn(scope.program, [], { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(child, 'close').catch(() => undefined)
  child.stdin.on('error', () => undefined)
  const words = ['join', scope.bus, scope.unit, String(pid), ...scope.properties]
  child.stdin.end(words.map((word) => `${word}\0`).join(''))
  await ended
}
