// SPDX-License-Identifier: Apache-2.0
// The way out of a user's networks: users may not make links on the host, so that a process of theirs carries what goes out of
// the namespace with the containers' bridges. pasta (passt) is preferred; slirp4netns does it, too.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { access, constants, readFile, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { DockError, printable } from '../error.ts'
import { ownNamespaces, ownNetwork } from '../host/namespaces.ts'
import { joinScope, sharedScope } from '../host/scope.ts'
import { isProgram } from './cni.ts'
import { readJson, replaceFile } from './json-file.ts'
import { endProcess, isAlive, markOf, type ProcessMark, type SandboxStore } from './sandbox.ts'

type Program = 'pasta' | 'slirp4netns'

interface Carrier extends ProcessMark {
  readonly isReady: boolean
  /** The namespace that it carries for: another one has taken its place when they differ. */
  readonly network: string
  /** For /etc/resolv.conf, where those of the host are of no use in containers; empty: they are. */
  readonly nameservers: readonly string[]
}

interface Start {
  readonly path: string
  readonly network: string
  readonly directory: string
  /** It has to be known, and ended, should this process end now. */
  readonly onStart: (pid: number, nameservers: readonly string[]) => Promise<void>
}

const TIMEOUT = 10_000
/** slirp4netns answers there for the host's name servers. */
const SLIRP_NAMESERVER = '10.0.2.3'
/** pasta takes what is asked of this one to the host's name server. */
const PASTA_NAMESERVER = '169.254.1.1'

async function findProgram(): Promise<readonly [Program, path: string]> {
  for (const program of ['pasta', 'slirp4netns'] as const) {
    for (const directory of (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter)) {
      const path = join(directory, program)
      if (directory !== '' && (await isProgram(path))) return [program, path]
    }
  }
  throw new DockError(
    "pasta or slirp4netns is missing: it carries the network of a user's containers (try: apt-get install passt, or --net none, --net host)",
    { exitCode: 125 },
  )
}

/** Errors: DockError. */
async function checkTun(): Promise<void> {
  const tun = '/dev/net/tun'
  await access(tun, constants.R_OK | constants.W_OK).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(
      `${tun}: ${e.code}: it carries the network of a user's containers (try as root: modprobe tun; chmod 666 ${tun}; or --net none, --net host)`,
      { exitCode: 125 },
    )
  })
}

async function hostServersAreLocal(): Promise<boolean> {
  const hostText = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const servers = [...hostText.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server = '']) => server)
  return servers.every((server) => server.startsWith('127.') || server === '::1')
}

/** Why it has ended, in one line. */
function endedText(program: Program, said: string, code: number | null): string {
  const lines = printable(said)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/to syslog$|^WARNING|^sent tapfd|^received tapfd/.test(line))
  return `${program}: ${lines.at(-1) ?? `ended with status ${code}`}`
}

/** Waits until something is so, the program ends, or time is up. */
async function untilReady(
  program: Program,
  child: ChildProcess,
  said: Promise<string>,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const ended = once(child, 'exit').then(
    ([code]) => ({ code: code as number | null }),
    (cause: unknown) => ({ cause }),
  )
  for (const end = Date.now() + TIMEOUT; Date.now() < end; ) {
    if (await isReady()) return
    const tick = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 5))
    const gone = await Promise.race([ended, tick])
    if (gone === undefined) continue
    if ('cause' in gone) throw new DockError(`${program}: it cannot be started`, { cause: gone.cause })
    throw new DockError(endedText(program, await said, gone.code))
  }
  throw new DockError(`${program}: it is not ready in ${TIMEOUT / 1000} s`)
}

/** It goes on without this process. */
function letGo(child: ChildProcess): void {
  child.stderr?.destroy()
  child.unref()
}

/** Errors: DockError; it has been ended. */
async function startPasta({ path, network, directory, onStart }: Start): Promise<void> {
  const pidFile = join(directory, 'pasta.pid')
  await rm(pidFile, { force: true })
  const local = await hostServersAreLocal()
  const args = [
    ...['--config-net', '--quiet', '--foreground', '--ns-ifname', 'eth0', '--no-map-gw', '--pid', pidFile],
    ...(local ? ['--dns-forward', PASTA_NAMESERVER] : []),
    ...['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'],
    ...['--netns', network],
  ]
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const said = text((child.stderr as Readable).pipe(new PassThrough()))
  try {
    await onStart(child.pid ?? 0, local ? [PASTA_NAMESERVER] : [])
    const isReady = async (): Promise<boolean> => (await readFile(pidFile, 'utf8').catch(() => '')) !== ''
    await untilReady('pasta', child, said, isReady)
  } catch (e: unknown) {
    child.kill('SIGKILL')
    throw e
  } finally {
    await rm(pidFile, { force: true })
  }
  letGo(child)
}

/** The same. */
async function startSlirp({ path, network, onStart }: Start): Promise<void> {
  const flags = ['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3', '--netns-type=path']
  const child = spawn(path, [...flags, network, 'eth0'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const said = text((child.stderr as Readable).pipe(new PassThrough()))
  let ready = false
  const readyPipe = child.stdio[3] as Readable
  readyPipe.once('data', () => {
    ready = true
  })
  try {
    await onStart(child.pid ?? 0, [SLIRP_NAMESERVER])
    await untilReady('slirp4netns', child, said, () => Promise.resolve(ready))
  } catch (e: unknown) {
    child.kill('SIGKILL')
    throw e
  }
  readyPipe.destroy()
  letGo(child)
}

const fileOf = (sandboxes: SandboxStore): string => join(sandboxes.directory, 'carrier')

/** Name servers for a user's containers, where those of the host are of no use in them; empty: they are. */
export async function carrierNameservers(sandboxes: SandboxStore): Promise<readonly string[]> {
  if (ownNetwork() === undefined) return []
  return (await readJson<Carrier>(fileOf(sandboxes)))?.nameservers ?? []
}

/** Has somebody carry the network that the containers of this process are in, if that is a user's. Errors: DockError. */
export async function ensureCarrier(sandboxes: SandboxStore): Promise<void> {
  const network = ownNetwork()
  if (network === undefined) return
  await sandboxes.locked(async () => {
    const file = fileOf(sandboxes)
    const old = await readJson<Carrier>(file)
    if (old?.network === network.id && old.isReady && (await isAlive(old))) return
    await endProcess(old, false)
    const [program, path] = await findProgram()
    await checkTun()
    let carrier: Carrier | undefined
    const write = async (changed: Carrier): Promise<void> => {
      carrier = changed
      await replaceFile(file, JSON.stringify(changed))
    }
    let joined: Promise<void> | undefined
    const onStart = async (pid: number, nameservers: readonly string[]): Promise<void> => {
      await write({ ...(await markOf(pid)), network: network.id, nameservers, isReady: false })
      joined = joinScope(sharedScope(ownNamespaces() ?? ''), pid)
    }
    const start = { path, network: network.path, directory: sandboxes.directory, onStart }
    await (program === 'pasta' ? startPasta(start) : startSlirp(start))
    await joined
    if (carrier !== undefined) await write({ ...carrier, isReady: true })
  })
}

/** Ends it when no container is left that needs it: the next one that does starts another. */
export async function releaseCarrier(sandboxes: SandboxStore): Promise<void> {
  const file = fileOf(sandboxes)
  if (ownNetwork() === undefined || !existsSync(file)) return
  await sandboxes.locked(async () => {
    if ((await sandboxes.list()).some(({ attachments }) => attachments.length > 0)) return
    await endProcess(await readJson<Carrier>(file), false)
    await rm(file, { force: true })
  })
}
