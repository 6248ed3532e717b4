// SPDX-License-Identifier: Apache-2.0
// Networks of a user's own containers: users may not make links on the host, so that a process of theirs carries what goes
// in and out. pasta (passt) is preferred; slirp4netns does it, too.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { PortMap } from '../containers/record.ts'
import { DockError, printable } from '../error.ts'
import { defaultDevice, hasIPv6Loopback } from './host-routes.ts'
import { isProgram } from './cni.ts'
import { PortTaken, startRelay } from './net-program.ts'
import { holderOf } from './port-holders.ts'
import { type Mapping, portsShown, portWishes } from './ports.ts'
import { chooseHostPorts, type Others, takenError } from './publish.ts'
import { endProcess, isAlive, markOf, type Sandbox, type SandboxStore } from './sandbox.ts'
import { endpointId, type NetworkSettings, namesOf, networkSettings } from './settings.ts'

export type Carrier = 'pasta' | 'slirp4netns'

export interface RootlessRequest {
  readonly id: string
  readonly name: string
  readonly hostname: string
  /** A process in the container's user and network namespaces. */
  readonly pid: number
  readonly ports: PortMap
  readonly publishAll: boolean
  readonly exposed: readonly string[]
}

export interface RootlessNetwork {
  readonly carrier: Carrier
  readonly settings: NetworkSettings
  /** For /etc/resolv.conf, where those of the host are of no use in the container; empty: they are. */
  readonly nameservers: readonly string[]
}

export interface RootlessOptions {
  /** Programs to choose from, the first that is there is taken. */
  readonly carriers?: readonly Carrier[]
  /** Until it is ready. */
  readonly timeoutMs?: number
}

/** What slirp4netns gives to every container: nobody else sees it. */
const slirp = { address: '10.0.2.100', prefix: 24, gateway: '10.0.2.2', nameserver: '10.0.2.3' } as const
/** pasta takes what is asked of this one to the host's name server. */
const PASTA_NAMESERVER = '169.254.1.1'

async function findCarrier(carriers: readonly Carrier[]): Promise<readonly [Carrier, path: string]> {
  for (const carrier of carriers) {
    for (const directory of (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter)) {
      const path = join(directory, carrier)
      if (directory !== '' && (await isProgram(path))) return [carrier, path]
    }
  }
  throw new DockError(
    `${carriers.join(' or ')} is missing: it carries the network of a user's containers (try: apt-get install passt)`,
  )
}

/** Errors: DockError: ports that only root may have. */
async function checkPrivileged(ports: readonly Mapping[]): Promise<void> {
  const first = Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '1024'))
  const low = ports.find(({ hostPort }) => hostPort < first)
  if (low === undefined || process.getuid?.() === 0) return
  throw new DockError(
    `port ${low.hostPort}/${low.protocol}: users may publish ports from ${first} on (sysctl net.ipv4.ip_unprivileged_port_start)`,
    { exitCode: 125 },
  )
}

interface Start {
  readonly path: string
  readonly request: RootlessRequest
  readonly directory: string
  readonly timeoutMs: number
  readonly onStart: (pid: number) => Promise<void>
}

async function hostServersAreLocal(): Promise<boolean> {
  const hostText = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const servers = [...hostText.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server = '']) => server)
  return servers.every((server) => server.startsWith('127.') || server === '::1')
}

/** Why it has ended, in one line. */
function endedText(carrier: Carrier, said: string, code: number | null): string {
  const lines = printable(said)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/to syslog$|^WARNING|^sent tapfd|^received tapfd/.test(line))
  return `${carrier}: ${lines.at(-1) ?? `ended with status ${code}`}`
}

/** Waits until something is so, the program ends, or time is up. */
async function untilReady(
  carrier: Carrier,
  child: ChildProcess,
  said: Promise<string>,
  timeoutMs: number,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const ended = once(child, 'exit').then(
    ([code]) => ({ code: code as number | null }),
    (cause: unknown) => ({ cause }),
  )
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    if (await isReady()) return
    const tick = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 5))
    const gone = await Promise.race([ended, tick])
    if (gone === undefined) continue
    if ('cause' in gone) throw new DockError(`${carrier}: it cannot be started`, { cause: gone.cause })
    throw new DockError(endedText(carrier, await said, gone.code))
  }
  throw new DockError(`${carrier}: it is not ready in ${timeoutMs / 1000} s`)
}

async function startPasta({ path, request, directory, timeoutMs, onStart }: Start): Promise<readonly string[]> {
  const pidFile = join(directory, `${request.id}.pasta`)
  await rm(pidFile, { force: true })
  const local = await hostServersAreLocal()
  const args = [
    ...['--config-net', '--quiet', '--foreground', '--ns-ifname', 'eth0', '--no-map-gw', '--pid', pidFile],
    ...(local ? ['--dns-forward', PASTA_NAMESERVER] : []),
    ...['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'],
    String(request.pid),
  ]
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const said = text(child.stderr.pipe(new PassThrough()))
  if (child.pid !== undefined) await onStart(child.pid)
  try {
    const isReady = async (): Promise<boolean> => (await readFile(pidFile, 'utf8').catch(() => '')) !== ''
    await untilReady('pasta', child, said, timeoutMs, isReady)
  } finally {
    await rm(pidFile, { force: true })
  }
  letGo(child)
  return local ? [PASTA_NAMESERVER] : []
}

/** It goes on without this process. */
function letGo(child: ChildProcess): void {
  child.stderr?.destroy()
  child.unref()
}

async function startSlirp({ path, request, timeoutMs, onStart }: Start): Promise<readonly string[]> {
  const args = ['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3', String(request.pid), 'eth0']
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true })
  const said = text((child.stderr as Readable).pipe(new PassThrough()))
  let ready = false
  const readyPipe = child.stdio[3] as Readable
  readyPipe.once('data', () => {
    ready = true
  })
  if (child.pid !== undefined) await onStart(child.pid)
  await untilReady('slirp4netns', child, said, timeoutMs, () => Promise.resolve(ready))
  readyPipe.destroy()
  letGo(child)
  return [slirp.nameserver]
}

/** The container's addresses: pasta gives it those of the host. */
async function addressesOf(carrier: Carrier) {
  if (carrier === 'slirp4netns')
    return { ip4: slirp.address, prefix4: slirp.prefix, gateway: slirp.gateway, ip6: '', prefix6: 0 }
  const all = networkInterfaces()[(await defaultDevice()) ?? ''] ?? []
  const four = all.find(({ family }) => family === 'IPv4')
  const six = all.find(({ family, address }) => family === 'IPv6' && !address.startsWith('fe80'))
  const prefix = (cidr: string | null | undefined): number => Number(cidr?.split('/')[1] ?? 0)
  return {
    ip4: four?.address ?? '',
    prefix4: prefix(four?.cidr),
    gateway: '',
    ip6: six?.address ?? '',
    prefix6: prefix(six?.cidr),
  }
}

async function settingsOf(
  carrier: Carrier,
  request: RootlessRequest,
  ports: readonly Mapping[],
): Promise<NetworkSettings> {
  const { ip4, prefix4, gateway, ip6, prefix6 } = await addressesOf(carrier)
  const endpoint = {
    NetworkID: endpointId(carrier, ''),
    EndpointID: endpointId(carrier, request.id),
    Gateway: gateway,
    IPAddress: ip4,
    IPPrefixLen: prefix4,
    IPv6Gateway: '',
    GlobalIPv6Address: ip6,
    GlobalIPv6PrefixLen: prefix6,
    MacAddress: '',
    Aliases: null,
    DNSNames: namesOf({ ...request, aliases: [] }),
  }
  const hasIPv6 = await hasIPv6Loopback()
  return networkSettings(
    request.id,
    `/proc/${request.pid}/ns/net`,
    { bridge: endpoint },
    portsShown(ports, request.exposed, hasIPv6),
  )
}

/**
 * The relay binds on the host and connects in the container's namespaces: what pasta and slirp4netns know of ports depends on
 * their age, UDP above all.
 */
async function startHolding(
  sandbox: Sandbox,
  pid: number,
  target: string,
  write: (sandbox: Sandbox) => Promise<Sandbox>,
): Promise<Sandbox> {
  if (sandbox.ports.length === 0) return sandbox
  const ipv6 = await hasIPv6Loopback()
  const rules = sandbox.ports.flatMap(({ protocol, hostIp, hostPort, containerPort }) =>
    (hostIp === '' ? ['0.0.0.0', ...(ipv6 ? ['::'] : [])] : [hostIp]).map((address) => ({
      protocol,
      address,
      port: hostPort,
      targetAddress: target,
      targetPort: containerPort,
    })),
  )
  let now = sandbox
  const onStart = async (relay: number): Promise<void> => {
    now = await write({ ...now, relay: await markOf(relay) })
  }
  await startRelay(rules, onStart, pid).catch(async (e: unknown) => {
    if (!(e instanceof PortTaken)) throw e
    const taken = { protocol: e.rule.protocol as Mapping['protocol'], hostIp: e.rule.address, hostPort: e.rule.port }
    throw takenError(taken, await holderOf(taken))
  })
  return now
}

/**
 * Connects a user's container. What it starts is ended by Networks.tearDown, as all that belongs to the container's network.
 * Errors: DockError; nothing of it stays.
 */
export async function setUpRootless(
  sandboxes: SandboxStore,
  request: RootlessRequest,
  { carriers = ['pasta', 'slirp4netns'], timeoutMs = 10_000 }: RootlessOptions = {},
): Promise<RootlessNetwork> {
  const [carrier, path] = await findCarrier(carriers)
  const wishes = portWishes(request.ports, request.publishAll, request.exposed)
  await sandboxes.open()
  let sandbox: Sandbox = {
    id: request.id,
    name: request.name,
    hostname: request.hostname,
    netns: `/proc/${request.pid}/ns/net`,
    exposed: request.exposed,
    ports: [],
    attachments: [],
    owner: await markOf(process.pid),
  }
  const old = await sandboxes.read(request.id)
  await endProcess(old?.relay, false)
  await endProcess(old?.carrier, false)
  try {
    sandbox = await sandboxes.locked(async () => {
      const mappings: Others['mappings'][number][] = []
      for (const other of await sandboxes.list()) {
        // A port is held by who carries it.
        if (other.id === request.id || !(await isAlive(other.relay))) continue
        mappings.push(...other.ports.map((port) => ({ ...port, container: other.name })))
      }
      const ports = await chooseHostPorts(wishes, { mappings, refused: [] })
      await checkPrivileged(ports)
      return sandboxes.write({ ...sandbox, ports })
    })
    const onStart = async (pid: number): Promise<void> => {
      sandbox = await sandboxes.write({ ...sandbox, carrier: await markOf(pid) })
    }
    const start = { path, request, directory: sandboxes.directory, timeoutMs, onStart }
    const nameservers = await (carrier === 'pasta' ? startPasta(start) : startSlirp(start))
    const settings = await settingsOf(carrier, request, sandbox.ports)
    const target = settings.IPAddress === '' ? '127.0.0.1' : settings.IPAddress
    sandbox = await startHolding(sandbox, request.pid, target, (one) => sandboxes.write(one))
    await sandboxes.write({ ...sandbox, settings })
    return { carrier, settings, nameservers }
  } catch (e: unknown) {
    const begun = await sandboxes.read(request.id)
    await endProcess(begun?.relay, false)
    await endProcess(begun?.carrier, false)
    await sandboxes.remove(request.id)
    throw e
  }
}
