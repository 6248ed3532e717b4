// SPDX-License-Identifier: Apache-2.0
// Networks of containers, without a daemon: CNI's plugins make them, files say what there is.

import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerStore } from '../containers/container-store.ts'
import type { EndpointRequest, PortMap } from '../containers/record.ts'
import { appendEvent } from '../containers/events.ts'
import { DockError } from '../error.ts'
import type { Storage } from '../storage.ts'
import { attach, type AttachContext, detach } from './attach.ts'
import { carrierNameservers, ensureCarrier, releaseCarrier } from './carrier.ts'
import { Cni } from './cni.ts'
import { hasIPv6Loopback } from './host-routes.ts'
import { makeNamespace, removeBridge, removeNamespace } from './net-program.ts'
import { type NetworkRecord, predefined, pseudoNetworks } from './network.ts'
import { type NetworkReport, networkReport, pseudoNetwork } from './network-report.ts'
import { removeNetworkRules } from './network-rules.ts'
import { type NetworkRequest, NetworkStore } from './network-store.ts'
import { publishHosts } from './peers.ts'
import { portWishes } from './ports.ts'
import { chooseHostPorts, type Others, publish } from './publish.ts'
import { addressesOf, endProcess, isAlive, type Link, markOf, type Sandbox, SandboxStore } from './sandbox.ts'
import { sandboxSettings } from './sandbox-settings.ts'
import { freeLeases } from './leases.ts'
import { sweepRules } from './rules.ts'
import type { NetworkSettings } from './settings.ts'

export interface SetUpRequest {
  readonly id: string
  readonly name: string
  readonly hostname: string
  /** By name or id of the network; the first one that leads outside has the default route. */
  readonly attachments: Readonly<Record<string, EndpointRequest>>
  readonly ports: PortMap
  readonly publishAll: boolean
  /** `80/tcp` */
  readonly exposed: readonly string[]
  readonly links?: readonly Link[]
}

export interface NetworksOptions {
  /** Where plugins are looked for; undefined: $CNI_PATH and where distributions have them. */
  readonly cniPath?: readonly string[]
  /** For one plugin. */
  readonly timeoutMs?: number
}

export class Networks {
  readonly store: NetworkStore
  readonly sandboxes: SandboxStore
  readonly #context: AttachContext
  readonly #containers: ContainerStore
  readonly #directory: string

  /** Those of a storage. */
  constructor(
    storage: Pick<Storage, 'directory' | 'runtimeDirectory' | 'containers'>,
    { cniPath, timeoutMs }: NetworksOptions = {},
  ) {
    this.store = new NetworkStore(storage.directory)
    this.sandboxes = new SandboxStore(storage.runtimeDirectory)
    const known = join(storage.runtimeDirectory, 'cni-versions.json')
    this.#context = { cni: new Cni({ path: cniPath, timeoutMs, known }), sandboxes: this.sandboxes }
    this.#containers = storage.containers
    this.#directory = storage.directory
  }

  #event(action: string, network: NetworkRecord, container?: string): Promise<void> {
    const Attributes = { ...(container === undefined ? {} : { container }), name: network.Name, type: network.Driver }
    return appendEvent(
      { directory: this.#directory },
      { Type: 'network', Action: action, Actor: { ID: network.Id, Attributes } },
    )
  }

  /** Errors: DockError. */
  async create(request: NetworkRequest): Promise<NetworkRecord> {
    const record = await this.store.create(request)
    await this.#event('create', record)
    return record
  }

  /** Where a container's namespace is pinned while its network is up: for config.json, and for `--net container:ID`. */
  networkNamespacePath(id: string): string {
    return this.sandboxes.netnsPath(id)
  }

  /** What a container's networks came to; undefined: they are not up. */
  async settings(id: string): Promise<NetworkSettings | undefined> {
    return (await this.sandboxes.read(id))?.settings
  }

  /** Makes a container's namespace and puts it on its networks. All is undone when that fails. Errors: DockError. */
  async setUp(request: SetUpRequest): Promise<NetworkSettings> {
    await this.sandboxes.open()
    await this.tearDown(request.id)
    try {
      return await this.#setUp(request)
    } catch (e: unknown) {
      await this.tearDown(request.id)
      throw e
    }
  }

  async #setUp(request: SetUpRequest): Promise<NetworkSettings> {
    const wishes = portWishes(request.ports, request.publishAll, request.exposed)
    const begun = await this.#begin(request)
    const choose = (refused: Others['refused']): Promise<Sandbox> =>
      this.sandboxes.locked(async () => {
        const current = (await this.sandboxes.read(request.id)) ?? begun
        const others = { mappings: await this.#mappingsOfOthers(request.id), refused }
        return this.sandboxes.write({ ...current, ports: await chooseHostPorts(wishes, others) })
      })
    let sandbox = wishes.length === 0 ? begun : await choose([])
    if (sandbox.attachments.length > 0) await ensureCarrier(this.sandboxes)
    await makeNamespace(sandbox.netns)
    const outside = sandbox.attachments.find(({ network }) => !network.Internal)
    for (const { ifName } of sandbox.attachments) {
      sandbox = await attach(this.#context, sandbox, ifName, ifName === outside?.ifName)
    }
    sandbox = await publish(this.#context, sandbox, choose)
    const settings = sandboxSettings(sandbox, await hasIPv6Loopback())
    await this.sandboxes.write({ ...sandbox, settings })
    for (const { network } of sandbox.attachments) await this.#event('connect', network, request.id)
    return settings
  }

  async #begin(request: SetUpRequest): Promise<Sandbox> {
    const attachments = []
    for (const [name, endpoint] of Object.entries(request.attachments)) {
      const network = await this.store.settle(await this.store.find(name))
      attachments.push({ network, ifName: `eth${attachments.length}`, request: endpoint, plugins: [] })
    }
    return this.sandboxes.write({
      id: request.id,
      name: request.name,
      hostname: request.hostname,
      netns: this.networkNamespacePath(request.id),
      exposed: request.exposed,
      ports: [],
      attachments,
      ...(request.links === undefined ? {} : { links: request.links }),
      owner: await markOf(process.pid),
    })
  }

  /** Those of containers that are no more are given back. Under the lock. */
  async #mappingsOfOthers(id: string): Promise<Others['mappings']> {
    const all: Others['mappings'][number][] = []
    for (const other of await this.sandboxes.list()) {
      if (other.id === id || other.ports.length === 0) continue
      if (!(await this.#isInUse(other))) await this.#takeDown(other.id)
      else all.push(...other.ports.map((port) => ({ ...port, container: other.name })))
    }
    return all
  }

  /** By a container that runs, or by one that is being started. */
  async #isInUse(sandbox: Sandbox): Promise<boolean> {
    const status = (await this.#containers.read(sandbox.id))?.state.status
    return status === 'running' || status === 'restarting' || isAlive(sandbox.owner)
  }

  /**
   * Tells containers of each other, by their /etc/hosts: once a container's own file is there (hostsText), and its network is
   * up.
   */
  async announce(id: string): Promise<void> {
    const sandbox = await this.sandboxes.read(id)
    if (sandbox !== undefined && sandbox.attachments.length > 0) await this.#publishHosts()
  }

  #publishHosts(): Promise<void> {
    return this.sandboxes.locked(async () =>
      publishHosts(await this.sandboxes.list(), (id) => this.#containers.path(id, 'hosts')),
    )
  }

  /** For /etc/resolv.conf of containers that are on networks; empty: those of the host. */
  nameservers(): Promise<readonly string[]> {
    return carrierNameservers(this.sandboxes)
  }

  /** Takes down all that setUp has made, wherever that was cut off. There is nothing: nothing is done. */
  async tearDown(id: string): Promise<void> {
    const sandbox = await this.#takeDown(id)
    await releaseCarrier(this.sandboxes)
    if (sandbox?.settings === undefined) return
    for (const { network } of sandbox.attachments) await this.#event('disconnect', network, id)
    if (sandbox.attachments.length > 0) await this.#publishHosts()
  }

  async #takeDown(id: string): Promise<Sandbox | undefined> {
    const sandbox = await this.sandboxes.read(id)
    if (sandbox !== undefined) {
      await endProcess(sandbox.plugin, true)
      await endProcess(sandbox.relay, false)
      const hadNamespace = await stat(sandbox.netns).then(
        () => true,
        () => false,
      )
      const failures: string[] = []
      for (const attachment of [...sandbox.attachments].reverse()) {
        failures.push(...(await detach(this.#context, sandbox, attachment)))
      }
      // A plugin that was cut off, or that fails, leaves rules behind.
      if (failures.length > 0 || !hadNamespace || sandbox.settings === undefined) await this.#sweep(sandbox)
      await freeLeases(this.sandboxes.ipamDirectory, (container) => container === id)
    }
    await removeNamespace(this.networkNamespacePath(id))
    await this.sandboxes.remove(id)
    return sandbox
  }

  async #sweep(sandbox: Sandbox): Promise<void> {
    if (sandbox.attachments.length === 0) return
    await sweepRules({
      pairs: sandbox.attachments.map(({ network }) => ({ network: network.Id, id: sandbox.id })),
      isDead: (_, id) => id === sandbox.id,
      addresses: new Set(sandbox.attachments.flatMap(addressesOf)),
    })
  }

  /** A container that runs joins one more network. Errors: DockError. */
  async connect(id: string, name: string, request: EndpointRequest): Promise<NetworkSettings> {
    const network = await this.store.settle(await this.store.find(name))
    const before = await this.#need(id)
    if (before.attachments.some((one) => one.network.Id === network.Id)) {
      throw new DockError(`endpoint with name ${before.name} already exists in network ${network.Name}`)
    }
    const used = before.attachments.map(({ ifName }) => ifName)
    const ifName = Array.from({ length: used.length + 1 }, (_, i) => `eth${i}`).find((one) => !used.includes(one)) ?? ''
    const isFirst = !network.Internal && before.attachments.every((one) => one.network.Internal)
    const attachment = { network, ifName, request, plugins: [] }
    const sandbox = await this.sandboxes.write({ ...before, attachments: [...before.attachments, attachment] })
    try {
      const settings = await this.#changed(await attach(this.#context, sandbox, ifName, isFirst))
      await this.#event('connect', network, id)
      return settings
    } catch (e: unknown) {
      await this.#leave(id, network)
      throw e
    }
  }

  /** A container that runs leaves a network. Errors: DockError. */
  async disconnect(id: string, name: string): Promise<NetworkSettings> {
    const sandbox = await this.#need(id)
    const found = sandbox.attachments.find(({ network }) => network.Name === name || network.Id === name)
    if (found === undefined) throw new DockError(`container ${id} is not connected to network ${name}`)
    const settings = await this.#leave(id, found.network)
    await this.#event('disconnect', found.network, id)
    return settings
  }

  async #leave(id: string, network: NetworkRecord): Promise<NetworkSettings> {
    const { plugin, ...sandbox } = await this.#need(id)
    await endProcess(plugin, true)
    const left = sandbox.attachments.filter((one) => one.network.Id === network.Id)
    const failures: string[] = []
    for (const attachment of left) failures.push(...(await detach(this.#context, sandbox, attachment)))
    if (failures.length > 0) await this.#sweep({ ...sandbox, attachments: left })
    await freeLeases(this.sandboxes.ipamDirectory, (container) => container === id, network.Id)
    // Ports that were published there are so no more.
    const stays = !left.some(({ plugins }) => plugins.some(({ type }) => type === 'portmap'))
    if (!stays) await endProcess(sandbox.relay, false)
    const attachments = sandbox.attachments.filter((one) => one.network.Id !== network.Id)
    return this.#changed({ ...sandbox, attachments, ...(stays ? {} : { ports: [] }) })
  }

  async #changed(sandbox: Sandbox): Promise<NetworkSettings> {
    const settings = sandboxSettings(sandbox, await hasIPv6Loopback())
    await this.sandboxes.write({ ...sandbox, settings })
    await this.#publishHosts()
    return settings
  }

  async #need(id: string): Promise<Sandbox> {
    const sandbox = await this.sandboxes.read(id)
    if (sandbox === undefined) throw new DockError(`the container ${id} has no network of its own, or does not run`)
    return sandbox
  }

  /** All of them, by name; `host` and `none`, which are no networks of their own, too. */
  async list(): Promise<readonly NetworkRecord[]> {
    await this.store.default()
    const all = [
      ...(await this.store.list()),
      ...pseudoNetworks.map((name) => pseudoNetwork(this.store.directory, name)),
    ]
    return all.sort((a, b) => (a.Name < b.Name ? -1 : 1))
  }

  /** By name, id, or the start of an id. Errors: DockError: there is none, or several. */
  async find(text: string): Promise<NetworkRecord> {
    const pseudo = pseudoNetworks.find((name) => name === text)
    return pseudo === undefined ? this.store.find(text) : pseudoNetwork(this.store.directory, pseudo)
  }

  /** What `network inspect` shows. Errors: DockError. */
  async inspect(text: string): Promise<NetworkReport> {
    const network = await this.find(text)
    return networkReport(network, await this.endpoints(network))
  }

  /** Who is on a network, by name. */
  async endpoints(network: NetworkRecord): Promise<readonly Sandbox[]> {
    const all = await this.sandboxes.list()
    const found = all.filter(({ attachments }) => attachments.some((one) => one.network.Id === network.Id))
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Errors: DockError: containers are on it. */
  async remove(network: NetworkRecord): Promise<void> {
    if (predefined.includes(network.Name)) {
      throw new DockError(`${network.Name} is a pre-defined network and cannot be removed`)
    }
    const users = await this.#usersOf(network)
    if (users.length > 0) {
      const names = users.map(({ name, id }) => `name:"${name}" id:"${id.slice(0, 12)}"`)
      throw new DockError(
        `error while removing network: network ${network.Name} has active endpoints (${names.join(', ')})`,
      )
    }
    await this.store.remove(network)
    await this.#removeTraces(network)
    await this.#event('destroy', network)
  }

  /** Removes those that nobody is on. Returns their names. */
  async prune(accepts: (network: NetworkRecord) => boolean): Promise<readonly string[]> {
    const removed: string[] = []
    for (const network of (await this.store.list()).filter(accepts)) {
      if ((await this.#usersOf(network)).length > 0) continue
      await this.remove(network)
      removed.push(network.Name)
    }
    return removed
  }

  /** Those that are left of containers that are no more are taken down. */
  async #usersOf(network: NetworkRecord): Promise<readonly Sandbox[]> {
    const users: Sandbox[] = []
    for (const sandbox of await this.endpoints(network)) {
      if (await this.#isInUse(sandbox)) users.push(sandbox)
      else await this.tearDown(sandbox.id)
    }
    return users
  }

  async #removeTraces(network: NetworkRecord): Promise<void> {
    await rm(join(this.sandboxes.ipamDirectory, network.Id), { recursive: true, force: true })
    if (network.Driver !== 'bridge') return
    const given = network.Options['com.docker.network.bridge.name'] ?? ''
    // A bridge that was there before, under a name that the user gave, is the user's.
    if (given === '') await removeBridge(network.device)
    await removeNetworkRules(network)
  }

  /** Removes what nobody uses at the moment, the default network's bridge included: the next container makes it again. */
  async removeIdleBridges(): Promise<void> {
    for (const network of await this.store.list()) {
      if ((await this.#usersOf(network)).length === 0) await this.#removeTraces(network)
    }
  }

  /**
   * Takes down what is left of containers that are no more: namespaces, addresses, rules, relays. living: ids of those that
   * run or are restarting.
   */
  async repair(living: ReadonlySet<string>): Promise<void> {
    const kept = new Set(living)
    for (const sandbox of await this.sandboxes.list()) {
      if (living.has(sandbox.id) || (await isAlive(sandbox.owner))) kept.add(sandbox.id)
      else await this.tearDown(sandbox.id)
    }
    // What has no record: its container's was lost.
    const isDead = (id: string): boolean => !kept.has(id)
    for (const id of (await readdir(this.sandboxes.netnsDirectory).catch(() => [] as string[])).filter(isDead)) {
      if ((await this.sandboxes.read(id)) === undefined) await removeNamespace(this.networkNamespacePath(id))
    }
    const known = new Set(await this.sandboxes.ids())
    const isGone = (id: string): boolean => isDead(id) && !known.has(id)
    const addresses = new Set(await freeLeases(this.sandboxes.ipamDirectory, isGone))
    const networks = new Set((await this.store.list()).map(({ Id }) => Id))
    await sweepRules({
      pairs: [],
      isDead: (network, id) => networks.has(network) && isGone(id),
      addresses,
    })
  }
}
