// SPDX-License-Identifier: Apache-2.0
// Networks as files: networks/<name>.json.

import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DockError } from '../error.ts'
import { lock } from '../host/lock.ts'
import { overlap, parseSubnet, type Subnet } from './address.ts'
import { defaultDevice, hasBridge, hasIPv6, hasLink, usedSubnets } from './host-routes.ts'
import { codeOf, readJson, replaceFile } from './json-file.ts'
import { DEFAULT_NETWORK, type Driver, drivers, type NetworkRecord, predefined } from './network.ts'
import { chooseSubnets, type SubnetRequest } from './network-choice.ts'

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

export interface NetworkRequest extends SubnetRequest {
  readonly name: string
  readonly driver: string
  readonly internal: boolean
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

const defaultRequest = (ipv6: boolean): NetworkRequest => ({
  name: DEFAULT_NETWORK,
  driver: 'bridge',
  internal: false,
  options: {},
  labels: {},
  subnets: [],
  gateways: [],
  ranges: [],
  ipv6,
})

/** Every network's subnets. */
export const subnetsOf = (records: readonly NetworkRecord[]): readonly Subnet[] =>
  records.flatMap(({ IPAM }) => IPAM.flatMap(({ Subnet: text }) => parseSubnet(text) ?? []))

function checkDriver(driver: string): Driver {
  const known = drivers.find((one) => one === driver)
  if (known !== undefined) return known
  throw new DockError(`could not find plugin ${driver} in v1 plugin registry: there are ${drivers.join(', ')}`)
}

/** Storages know nothing of each other: the bridge of each one's default network has a name of its own. */
const defaultBridge = (directory: string): string =>
  directory === '/var/lib/tsdock/networks'
    ? 'tsdock0'
    : `tsdock-${createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 8)}`

/** The name of the link on the host. Errors: DockError. */
async function deviceFor(request: NetworkRequest, id: string, directory: string): Promise<string> {
  const { driver, options } = request
  if (driver === 'bridge') {
    const given = options['com.docker.network.bridge.name'] ?? ''
    if (given.length > 15) throw new DockError(`the bridge name ${given}: the kernel takes 15 letters at most`)
    if (given !== '') return given
    return request.name === DEFAULT_NETWORK ? defaultBridge(directory) : `br-${id.slice(0, 12)}`
  }
  const parent = options['parent'] ?? (await defaultDevice())
  if (parent === undefined)
    throw new DockError(`${driver}: the host has no default route: name a link with -o parent=LINK`)
  if (!(await hasLink(parent))) throw new DockError(`${driver}: parent=${parent}: there is no such link on this host`)
  return parent
}

export class NetworkStore {
  readonly directory: string

  constructor(storage: string) {
    this.directory = join(storage, 'networks')
  }

  #path(name: string): string {
    return join(this.directory, `${name}.json`)
  }

  /** Held by whoever chooses addresses. */
  async #locked<T>(job: () => Promise<T>): Promise<T> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const held = await lock(join(this.directory, 'lock'), 'exclusive')
    try {
      return await job()
    } finally {
      await held.release()
    }
  }

  /** Undefined: there is none of that name. */
  async read(name: string): Promise<NetworkRecord | undefined> {
    return namePattern.test(name) ? readJson<NetworkRecord>(this.#path(name)) : undefined
  }

  /** By name. */
  async list(): Promise<readonly NetworkRecord[]> {
    const names = await readdir(this.directory).catch(() => [] as string[])
    const found = await Promise.all(
      names.filter((name) => name.endsWith('.json')).map((name) => this.read(name.slice(0, -5))),
    )
    return found.filter((one) => one !== undefined).sort((a, b) => (a.Name < b.Name ? -1 : 1))
  }

  /** The network that containers are on; it is made on first use. */
  async default(): Promise<NetworkRecord> {
    const there = await this.read(DEFAULT_NETWORK)
    if (there !== undefined) return there
    return this.#locked(
      async () => (await this.read(DEFAULT_NETWORK)) ?? this.#make(defaultRequest(await hasIPv6()), []),
    )
  }

  /** Errors: DockError. */
  async create(request: NetworkRequest): Promise<NetworkRecord> {
    if (predefined.includes(request.name)) {
      throw new DockError(`operation is not permitted on predefined ${request.name} network`)
    }
    if (!namePattern.test(request.name) || request.name.length > 200) {
      throw new DockError(`invalid network name ${request.name}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
    }
    // What the default network has is not to be given away.
    await this.default()
    return this.#locked(async () => {
      if ((await this.read(request.name)) !== undefined) {
        throw new DockError(`network with name ${request.name} already exists`)
      }
      return this.#make(request, await this.list())
    })
  }

  async #make(request: NetworkRequest, others: readonly NetworkRecord[]): Promise<NetworkRecord> {
    const id = randomBytes(32).toString('hex')
    const driver = checkDriver(request.driver)
    const host = await usedSubnets()
    const networks = subnetsOf(others)
    // Subnets that are named may lie behind a router of the host's; those of macvlan are the host's own.
    const direct = driver === 'bridge' ? host.filter((route) => route.direct) : []
    const used = [...networks, ...(request.subnets.length > 0 ? direct : host).map(({ subnet }) => subnet)]
    const device = await deviceFor(request, id, this.directory)
    const record: NetworkRecord = {
      Name: request.name,
      Id: id,
      Created: new Date().toISOString(),
      Driver: driver,
      EnableIPv6: request.ipv6 || request.subnets.some((one) => one.includes(':')),
      Internal: request.internal,
      IPAM: chooseSubnets(id, request, used),
      Options: request.options,
      Labels: request.labels,
      device,
    }
    await this.#place(record)
    return record
  }

  /** Under its name, unless that is taken. */
  async #place(record: NetworkRecord): Promise<void> {
    const scratch = join(this.directory, `.${record.Id}`)
    await writeFile(scratch, `${JSON.stringify(record)}\n`, { mode: 0o600 })
    try {
      await link(scratch, this.#path(record.Name))
    } catch (e: unknown) {
      if (codeOf(e) === 'EEXIST') throw new DockError(`network with name ${record.Name} already exists`)
      throw e
    } finally {
      await rm(scratch, { force: true })
    }
  }

  /**
   * The default network with addresses that the host does not use, should it have come to use those it had. Nobody is on
   * it: its bridge is not there. For another network, that is an error.
   */
  async settle(record: NetworkRecord): Promise<NetworkRecord> {
    if (record.Driver !== 'bridge') return record
    const host = (await usedSubnets()).filter(({ direct }) => direct)
    const own = subnetsOf([record])
    const clash = host.find(({ subnet }) => own.some((one) => overlap(one, subnet)))
    if (clash === undefined || (await hasBridge(record.device))) return record
    if (record.Name !== DEFAULT_NETWORK) {
      throw new DockError(
        `the network ${record.Name}: its subnet is that of ${clash.device} by now (remove it and make it anew)`,
      )
    }
    return this.#locked(async () => {
      const others = (await this.list()).filter(({ Name }) => Name !== DEFAULT_NETWORK)
      const used = [...subnetsOf(others), ...(await usedSubnets()).map(({ subnet }) => subnet)]
      const request = defaultRequest(record.EnableIPv6)
      const fresh = { ...record, IPAM: chooseSubnets(record.Id, request, used) }
      await replaceFile(this.#path(record.Name), `${JSON.stringify(fresh)}\n`)
      return fresh
    })
  }

  /** By name, id, or the start of an id. Errors: DockError. */
  async find(text: string): Promise<NetworkRecord> {
    if (text === DEFAULT_NETWORK || text === 'default') return this.default()
    const named = await this.read(text)
    if (named !== undefined) return named
    const found = /^[a-f0-9]+$/.test(text) ? (await this.list()).filter(({ Id }) => Id.startsWith(text)) : []
    if (found.length > 1) throw new DockError(`network ${text} is ambiguous (${found.length} matches found on name)`)
    const [one] = found
    if (one === undefined) throw new DockError(`network ${text} not found`)
    return one
  }

  async remove(record: NetworkRecord): Promise<void> {
    await rm(this.#path(record.Name), { force: true })
  }
}
