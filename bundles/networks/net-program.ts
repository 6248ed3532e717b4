// SPDX-License-Identifier: Apache-2.0
// The program tsdock-net (csrc/net): namespaces, bridges, and the relay of published ports.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { DockError, printable } from '../error.ts'
import { findProgram } from '../host/files.ts'
import { networkCommand } from '../host/namespaces.ts'

async function call(...args: readonly string[]): Promise<void> {
  await end(findProgram('tsdock-net'), args)
}

async function end(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const said = text(child.stderr.pipe(new PassThrough()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code === 0) return
  const message = printable((await said).trim())
  throw new DockError(
    message === '' ? `${[program, ...args].join(' ')} ended with ${signal ?? `status ${code}`}` : message,
  )
}

/** Pins a new network namespace, whose lo is up. */
export const makeNamespace = (path: string): Promise<void> => call('netns-make', path)

/** There is none: nothing is done, and no program started for that. */
export async function removeNamespace(path: string): Promise<void> {
  if (existsSync(path)) await call('netns-remove', path)
}

export const removeBridge = (name: string): Promise<void> =>
  end(...networkCommand(findProgram('tsdock-net'), ['bridge-remove', name]))

export interface RelayRule {
  readonly protocol: string
  readonly address: string
  readonly port: number
  readonly targetAddress: string
  readonly targetPort: number
}

/** A port that somebody else listens on. */
export class PortTaken extends DockError {
  readonly rule: Pick<RelayRule, 'protocol' | 'address' | 'port'>
  constructor(message: string, rule: PortTaken['rule']) {
    super(message)
    this.rule = rule
  }
}

/**
 * Starts a relay. onStart: told its pid before it binds anything. target: the network namespace that the targets are in,
 * where that is not this process' own.
 * Errors: PortTaken, DockError.
 */
export async function startRelay(
  rules: readonly RelayRule[],
  onStart: (pid: number) => Promise<void>,
  target?: string,
): Promise<void> {
  const args = ['relay', ...(target === undefined ? [] : [target])]
  const child = spawn(findProgram('tsdock-net'), args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const said = text(child.stderr.pipe(new PassThrough()))
  const answer = text(child.stdout.pipe(new PassThrough()))
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject).once('exit', () => resolve())
  })
  child.stdin.on('error', () => undefined)
  if (child.pid !== undefined) await onStart(child.pid)
  const lines = rules.map((r) => `${r.protocol} ${r.address} ${r.port} ${r.targetAddress} ${r.targetPort}\n`)
  child.stdin.end(`${lines.join('')}\n`)
  // It lets go of its output when it has bound all, or ends.
  const isReady = (await answer) === 'ready\n'
  if (isReady) {
    child.unref()
    return
  }
  await ended
  const message = printable((await said).trim())
  const [, protocol = '', address = '', port = ''] = /^bind (\w+) (\S+) (\d+): .*EADDRINUSE/.exec(message) ?? []
  if (protocol !== '') throw new PortTaken(message, { protocol, address, port: Number(port) })
  throw new DockError(message === '' ? 'tsdock-net relay: it ended' : message)
}
