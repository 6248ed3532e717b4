// SPDX-License-Identifier: Apache-2.0
// A registry of one's own (Debian's docker-registry), and a proxy before it that breaks connections.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Need } from './host.ts'
import { helpers } from './leaks.ts'
import { findOnPath } from './tools.ts'
import { newDir } from './work-dir.ts'

export const needsRegistry: Need = () =>
  findOnPath('docker-registry') === undefined ? 'no docker-registry on this host' : undefined

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly directory: string
  /** What it logged. */
  log(): string
  stop(): Promise<void>
}

/** htpasswd: lines of an htpasswd file (bcrypt), without which everybody may do everything. */
export async function startRegistry(options: { readonly htpasswd?: string } = {}): Promise<Registry> {
  const directory = newDir('registry')
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const auth =
    options.htpasswd === undefined ? '' : `auth:\n  htpasswd:\n    realm: test\n    path: ${directory}/htpasswd\n`
  if (options.htpasswd !== undefined) writeFileSync(join(directory, 'htpasswd'), options.htpasswd)
  writeFileSync(
    join(directory, 'config.yml'),
    `version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: ${directory}/data}
  delete: {enabled: true}
http: {addr: '${host}'}
${auth}`,
  )
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  helpers.add(child.pid ?? 0)
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text))
  await reachable(port, child, () => log)
  return {
    host,
    directory,
    log: () => log,
    stop: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      helpers.delete(child.pid ?? 0)
    },
  }
}

async function reachable(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended: ${log()}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`docker-registry does not listen: ${log()}`)
}

export interface Proxy {
  readonly host: string
  /** Connections that were broken. */
  readonly cuts: () => number
  stop(): Promise<void>
}

/**
 * Passes connections on to a server. cutAfter: bytes after which one is broken, as long as `times` lasts. direction: whose
 * bytes count.
 */
export async function startProxy(
  target: string,
  {
    cutAfter,
    times,
    direction,
  }: { readonly cutAfter: number; readonly times: number; readonly direction: 'up' | 'down' },
): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let cuts = 0
  const [address = '', port = ''] = target.split(':')
  const server = createServer((client) => {
    const upstream = connect(Number(port), address)
    let passed = 0
    const count = (chunk: Buffer): void => {
      passed += chunk.length
      if (passed < cutAfter || cuts >= times) return
      cuts++
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    ;(direction === 'up' ? client : upstream).on('data', count)
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a registry keeps of a repository. */
export const readLink = (registry: Registry, repository: string, path: string): string =>
  readFileSync(join(registry.directory, 'data/docker/registry/v2/repositories', repository, path), 'utf8')
