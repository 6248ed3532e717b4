// SPDX-License-Identifier: Apache-2.0
// --ssh: sockets of agents for RUN --mount=type=ssh. Key files get an agent of their own, which ends with the build.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockError, printable } from '../error.ts'

export interface SshAgents {
  /** Path of the socket of an agent; undefined: there is none of that id. */
  socket(id: string): string | undefined
  release(): Promise<void>
}

const needs = (program: string): DockError =>
  new DockError(`--ssh with key files needs ${program} (Debian: openssh-client), or an agent's socket`)

const missing = (program: string) => (e: unknown) => {
  throw (e as NodeJS.ErrnoException).code === 'ENOENT' ? needs(program) : e
}

const NO_PROGRAM = 127
/** An agent ends with its standard input: a build that is killed must not leave keys in a process that nobody ends. */
const script = `command -v ssh-agent >/dev/null || exit ${NO_PROGRAM}
ssh-agent -D -a "$1" >/dev/null 2>&1 &
read -r _
kill $!
wait`

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function startAgent(socket: string): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', script, 'sh', socket], { stdio: ['pipe', 'ignore', 'ignore'] })
  const failed = once(child, 'error').then(([e]) => missing('sh')(e))
  const up = async (): Promise<void> => {
    for (let i = 0; i < 200 && child.exitCode === null; i++) {
      if (await isThere(socket)) return
      await sleep(10)
    }
    throw child.exitCode === NO_PROGRAM ? needs('ssh-agent') : new DockError('ssh-agent did not start')
  }
  try {
    await Promise.race([up(), failed])
  } catch (e: unknown) {
    child.stdin.end()
    throw e
  }
  return child
}

/** Errors: DockError: it is no key, or one with a passphrase. */
async function addKey(socket: string, key: string): Promise<void> {
  // Nobody is there to be asked for a passphrase.
  const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' }
  const child = spawn('ssh-add', ['--', key], { stdio: ['ignore', 'ignore', 'pipe'], env })
  const failed = once(child, 'error').then(([e]) => missing('ssh-add')(e))
  const ended = Promise.all([
    text(child.stderr.pipe(new PassThrough())),
    once(child, 'close') as Promise<[number | null]>,
  ])
  const result = await Promise.race([ended, failed])
  if (Array.isArray(result) && result[1][0] !== 0) {
    const said = printable(result[0]).trim().split('\n').at(-1) ?? ''
    throw new DockError(
      `--ssh: the key ${key}: ${said} (a key with a passphrase needs an agent of yours: --ssh default)`,
    )
  }
}

/** `default`, `ID=SOCKET` or `ID=KEY[,KEY...]`. scratch: an existing directory of ours. Errors: DockError. */
export async function openAgents(
  words: readonly string[],
  scratch: string,
  own: string | undefined,
): Promise<SshAgents> {
  const sockets = new Map<string, string>()
  const children: ChildProcess[] = []
  const release = async (): Promise<void> => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.stdin?.end()
      await ended
    }
  }
  try {
    for (const word of words) {
      const equals = word.indexOf('=')
      const id = equals < 0 ? word : word.slice(0, equals)
      if (equals < 0) {
        if (own === undefined) throw new DockError(`--ssh ${word}: there is no agent (SSH_AUTH_SOCK is not set)`)
        sockets.set(id, own)
        continue
      }
      const paths = word.slice(equals + 1).split(',')
      const found = await Promise.all(
        paths.map((path) =>
          stat(path).catch((e: NodeJS.ErrnoException) => {
            throw new DockError(`--ssh ${word}: ${path}: ${e.code === 'ENOENT' ? 'no such file or directory' : e.code}`)
          }),
        ),
      )
      if (found.some((one) => one.isSocket())) {
        if (paths.length > 1) throw new DockError(`--ssh ${word}: one socket, or key files`)
        sockets.set(id, paths[0] ?? '')
        continue
      }
      const socket = join(scratch, `agent-${children.length}`)
      children.push(await startAgent(socket))
      for (const path of paths) await addKey(socket, path)
      sockets.set(id, socket)
    }
  } catch (e: unknown) {
    await release()
    throw e
  }
  return { socket: (id) => sockets.get(id), release }
}
