// SPDX-License-Identifier: Apache-2.0
// What is known of a network, in docker's words; and its plugins.

import { addressAt, lastAddress, parseSubnet, addressText } from './address.ts'
import type { PluginConfig } from './cni.ts'

/** host, null: of the networks that are none. */
export type Driver = 'bridge' | 'macvlan' | 'ipvlan' | 'host' | 'null'
export const drivers: readonly Driver[] = ['bridge', 'macvlan', 'ipvlan']

export interface IpamConfig {
  readonly Subnet: string
  readonly Gateway: string
  /** Addresses for containers come from here; '' : the whole subnet. */
  readonly IPRange: string
}

/** networks/<name>.json */
export interface NetworkRecord {
  readonly Name: string
  /** 64 hexadecimal digits. */
  readonly Id: string
  /** RFC 3339. */
  readonly Created: string
  readonly Driver: Driver
  readonly EnableIPv6: boolean
  readonly Internal: boolean
  readonly IPAM: readonly IpamConfig[]
  readonly Options: Readonly<Record<string, string>>
  readonly Labels: Readonly<Record<string, string>>
  /** The link on the host: the bridge, or the one that macvlan and ipvlan share. */
  readonly device: string
}

/** The one that containers are on when nothing else is said. */
export const DEFAULT_NETWORK = 'bridge'
/** Networks that are none: the host's own, and nothing but lo. */
export const pseudoNetworks = ['host', 'none'] as const
/** Names that no network of a user's may have. */
export const predefined: readonly string[] = [DEFAULT_NETWORK, ...pseudoNetworks, 'default', 'container']

/** host-local's words for it. */
function range({ Subnet, Gateway, IPRange }: IpamConfig): object {
  const subnet = parseSubnet(Subnet)
  const part = IPRange === '' ? undefined : parseSubnet(IPRange)
  const bounds =
    subnet === undefined || part === undefined
      ? {}
      : {
          // The first and last address of the subnet itself are nobody's.
          rangeStart: part.base === subnet.base ? addressAt(subnet, 1) : addressAt(part, 0),
          rangeEnd: addressText(
            part.family,
            lastAddress(part) === lastAddress(subnet) ? lastAddress(part) - 1n : lastAddress(part),
          ),
        }
  return { subnet: Subnet, gateway: Gateway, ...bounds }
}

const defaultRoutes = (record: NetworkRecord): readonly object[] =>
  record.Internal ? [] : record.IPAM.map(({ Subnet }) => ({ dst: Subnet.includes(':') ? '::/0' : '0.0.0.0/0' }))

export interface Wanted {
  /** Addresses with their prefixes. */
  readonly ips: readonly string[]
  readonly mac: string
  readonly aliases: readonly string[]
}

/** What a plugin that says it can do something is told of this container. */
function runtimeConfig(
  capabilities: Readonly<Record<string, boolean>>,
  name: string,
  wanted: Wanted,
): { readonly runtimeConfig?: object } {
  const all: Readonly<Record<string, unknown>> = {
    ...(wanted.ips.length > 0 ? { ips: wanted.ips } : {}),
    ...(wanted.mac === '' ? {} : { mac: wanted.mac }),
    ...(wanted.aliases.length > 0 ? { aliases: { [name]: wanted.aliases } } : {}),
  }
  const told = Object.entries(all).filter(([key]) => capabilities[key] === true)
  return told.length === 0 ? {} : { runtimeConfig: Object.fromEntries(told) }
}

export interface PluginOptions {
  readonly cniVersion: string
  /** Where host-local notes who has which address. */
  readonly ipamDirectory: string
  /** For a network that leads outside, the first of the container's. */
  readonly isDefaultGateway: boolean
  readonly wanted: Wanted
  /** firewalld decides what is forwarded: the plugin firewall tells it of each container. */
  readonly firewalld: boolean
}

function bridgePlugin(record: NetworkRecord): PluginConfig {
  const mtu = Number(record.Options['com.docker.network.driver.mtu'] ?? record.Options['mtu'] ?? 0)
  const vlan = Number(record.Options['vlan'] ?? 0)
  return {
    type: 'bridge',
    bridge: record.device,
    isGateway: true,
    // The network as a whole is masqueraded: network-rules.ts.
    ipMasq: false,
    hairpinMode: true,
    ...(mtu > 0 ? { mtu } : {}),
    ...(vlan > 0 ? { vlan } : {}),
  }
}

function linkPlugin(record: NetworkRecord): PluginConfig {
  const mode = record.Options[record.Driver === 'macvlan' ? 'macvlan_mode' : 'ipvlan_mode'] ?? record.Options['mode']
  const mtu = Number(record.Options['com.docker.network.driver.mtu'] ?? record.Options['mtu'] ?? 0)
  return {
    type: record.Driver,
    master: record.device,
    ...(mode === undefined ? {} : { mode }),
    ...(mtu > 0 ? { mtu } : {}),
  }
}

/** The chain of a network for one container, without published ports. */
export function pluginsOf(record: NetworkRecord, options: PluginOptions): readonly PluginConfig[] {
  const common = { cniVersion: options.cniVersion, name: record.Id }
  const capabilities = { ips: true, ...(record.Driver === 'ipvlan' ? {} : { mac: true }), aliases: true }
  const main: PluginConfig = {
    ...common,
    ...(record.Driver === 'bridge' ? bridgePlugin(record) : linkPlugin(record)),
    capabilities,
    ...runtimeConfig(capabilities, record.Id, options.wanted),
    ipam: {
      type: 'host-local',
      dataDir: options.ipamDirectory,
      ranges: record.IPAM.map((one) => [range(one)]),
      routes: options.isDefaultGateway ? defaultRoutes(record) : [],
    },
  }
  if (record.Driver !== 'bridge' || !options.firewalld) return [main]
  return [main, { ...common, type: 'firewall', backend: 'firewalld' }]
}

export const pluginTypes = (record: NetworkRecord, firewalld: boolean): readonly string[] => [
  record.Driver,
  'host-local',
  ...(record.Driver === 'bridge' && firewalld ? ['firewall'] : []),
]
