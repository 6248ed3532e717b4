// SPDX-License-Identifier: Apache-2.0
// Networks of a storage of their own, on the real host; and what of them is there.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { ContainerStore } from '../../bundles/containers/container-store.ts'
import type { EndpointRequest, PortMap } from '../../bundles/containers/record.ts'
import { hostsText } from '../../bundles/networks/hosts.ts'
import { Networks, type NetworksOptions } from '../../bundles/networks/networks.ts'
import { chainsOf } from '../../bundles/networks/rules.ts'
import type { NetworkSettings } from '../../bundles/networks/settings.ts'
import { newDir, projectDir } from './work-dir.ts'

const peer = join(projectDir, 'test/helpers/net-peer.ts')

/** What the machine lacks; undefined: nothing. */
export function networkTestsNeed(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = ['ip', 'nsenter', 'iptables-save', 'ip6tables-save'].find(
    (name) => spawnSync(name, ['--version']).error !== undefined,
  )
  if (missing !== undefined) return `needs the program ${missing}`
  const places = [...(process.env['CNI_PATH'] ?? '').split(':'), '/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni']
  const plugins = ['bridge', 'host-local', 'portmap']
  const plugin = plugins.find((name) => !places.some((place) => place !== '' && existsSync(join(place, name))))
  if (plugin !== undefined) return `needs the CNI plugin ${plugin} (containernetworking-plugins)`
  if (spawnSync('iptables', ['-t', 'nat', '-S']).status !== 0) return 'the kernel has no nat table for iptables'
  return undefined
}

/** A port of the host that another test process does not have, out of the range that the kernel gives out. */
export const ownPort = (i: number): number => 20_000 + (process.pid % 400) * 30 + i

/** A part of 10.0.0.0/8 that another test process does not have: `10.A.B`. */
export const ownSubnet = (i: number): string => `10.${200 + i}.${process.pid % 250}`

export const endpoint = (changes: Partial<EndpointRequest> = {}): EndpointRequest => ({
  Aliases: [],
  IPv4Address: '',
  IPv6Address: '',
  MacAddress: '',
  ...changes,
})

export interface SetUp {
  readonly on?: Readonly<Record<string, Partial<EndpointRequest>>>
  readonly ports?: PortMap
  readonly publishAll?: boolean
  readonly exposed?: readonly string[]
}

const linkNames = (): readonly string[] => readdirSync('/sys/class/net')

export class NetHost {
  readonly storage = newDir('storage')
  readonly runtimeDirectory = newDir('runtime')
  readonly containers = new ContainerStore(this.storage)
  readonly networks: Networks
  readonly ids = new Map<string, string>()
  readonly #servers: ChildProcess[] = []
  readonly #veths = linkNames()

  constructor(options: NetworksOptions = {}) {
    this.networks = this.with(options)
  }

  with(options: NetworksOptions): Networks {
    return new Networks(this, options)
  }

  get directory(): string {
    return this.storage
  }

  /** The id of a container, which has a directory from now on. */
  async id(name: string): Promise<string> {
    const known = this.ids.get(name)
    if (known !== undefined) return known
    const id = await this.containers.open()
    this.ids.set(name, id)
    return id
  }

  hostsFile(id: string): string {
    return this.containers.path(id, 'hosts')
  }

  async request(name: string, { on = { bridge: {} }, ports = {}, publishAll = false, exposed = [] }: SetUp = {}) {
    return {
      id: await this.id(name),
      name,
      hostname: `${name}-host`,
      attachments: Object.fromEntries(Object.entries(on).map(([network, changes]) => [network, endpoint(changes)])),
      ports,
      publishAll,
      exposed,
    }
  }

  /** As a container starts: its network, its hosts file, and the word to others. */
  async up(name: string, how: SetUp = {}): Promise<NetworkSettings> {
    const request = await this.request(name, how)
    const settings = await this.networks.setUp(request)
    const { hostname } = request
    writeFileSync(this.hostsFile(request.id), hostsText({ hostname, domainname: '', settings, extraHosts: [] }))
    await this.networks.announce(request.id)
    return settings
  }

  async down(name: string): Promise<void> {
    await this.networks.tearDown(await this.id(name))
  }

  /** A command in a container's network. */
  inside(name: string, ...command: readonly string[]): string {
    const path = this.networks.networkNamespacePath(this.ids.get(name) ?? '')
    const result = spawnSync('nsenter', [`--net=${path}`, ...command], { encoding: 'utf8', timeout: 20_000 })
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`)
    return result.stdout
  }

  /** Answers on ports in a container's network. */
  async serve(name: string, ...ports: readonly number[]): Promise<void> {
    const path = this.networks.networkNamespacePath(this.ids.get(name) ?? '')
    const command = [`--net=${path}`, process.execPath, peer, 'serve', name, ...ports.map(String)]
    const child = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#servers.push(child)
    await once(child.stdout, 'data')
  }

  /** Asks from a container's network, or from the host. */
  ask(from: string | undefined, protocol: 'tcp' | 'udp', host: string, port: number): string {
    const command = [process.execPath, peer, 'ask', protocol, host, String(port)] as const
    if (from !== undefined) return this.inside(from, ...command)
    const [program, ...args] = command
    return spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 }).stdout
  }

  async endServers(): Promise<void> {
    for (const child of this.#servers.splice(0)) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }

  /** Takes down all, and looks that nothing is left. */
  async end(): Promise<void> {
    await this.endServers()
    for (const name of this.ids.keys()) await this.down(name)
    await this.nothingLeft()
  }

  /** With nobody on it, a network's bridge can go. */
  async nothingLeft(): Promise<void> {
    const records = await this.networks.store.list()
    const leases = readdirSync(this.runtimeDirectory, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !/(^network|^netns|ipam|lock|last_reserved_ip\.\d+|cni-versions\.json|ipam\/[0-9a-f]{64})$/.test(name),
    )
    assert.equal(leases, [], 'files of the runtime directory')
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), this.runtimeDirectory)
    await this.networks.removeIdleBridges()
    assert.equal(
      linkNames().filter((name) => records.some(({ device, Driver }) => Driver === 'bridge' && device === name)),
      [],
      'bridges',
    )
    const lost = linkNames().filter((name) => !this.#veths.includes(name) && /^veth/.test(name) && isOrphan(name))
    assert.equal(lost, [], 'links')
    const marks = [
      ...records.flatMap(({ Id, device, Driver }) => [Id, ...(Driver === 'bridge' ? [device] : [])]),
      ...this.ids.values(),
      ...records.flatMap(({ Id }) => [...this.ids.values()].flatMap((id) => chainsOf(Id, id))),
    ]
    const isOurs = (line: string): boolean => marks.some((mark) => line.includes(mark))
    assert.equal(rules().filter(isOurs), [], 'rules')
    this.ids.clear()
    rmSync(join(this.storage, 'containers'), { recursive: true, force: true })
  }
}

/** Others on this host have theirs on a bridge. */
function isOrphan(name: string): boolean {
  if (existsSync(`/sys/class/net/${name}/master`)) return false
  spawnSync('sleep', ['0.3'])
  return existsSync(`/sys/class/net/${name}`) && !existsSync(`/sys/class/net/${name}/master`)
}

/** All rules of iptables on this host. */
export function rules(): readonly string[] {
  return ['iptables-save', 'ip6tables-save'].flatMap((program) =>
    ['nat', 'filter'].flatMap((table) => spawnSync(program, ['-t', table], { encoding: 'utf8' }).stdout.split('\n')),
  )
}
