// SPDX-License-Identifier: Apache-2.0
// What a container's networks came to: `NetworkSettings` of the Docker Engine API. Pure.

import { createHash } from 'node:crypto'
import type { PortBinding } from '../containers/record.ts'
import type { CniResult } from './cni.ts'
import type { NetworkRecord } from './network.ts'

export interface EndpointSettings {
  readonly NetworkID: string
  readonly EndpointID: string
  readonly Gateway: string
  readonly IPAddress: string
  readonly IPPrefixLen: number
  readonly IPv6Gateway: string
  readonly GlobalIPv6Address: string
  readonly GlobalIPv6PrefixLen: number
  readonly MacAddress: string
  readonly Aliases: readonly string[] | null
  readonly DNSNames: readonly string[] | null
}

export interface NetworkSettings {
  readonly SandboxID: string
  readonly SandboxKey: string
  readonly Ports: Readonly<Record<string, readonly PortBinding[] | null>>
  readonly Networks: Readonly<Record<string, EndpointSettings>>
  /** Of the default network. */
  readonly EndpointID: string
  readonly Gateway: string
  readonly GlobalIPv6Address: string
  readonly GlobalIPv6PrefixLen: number
  readonly IPAddress: string
  readonly IPPrefixLen: number
  readonly IPv6Gateway: string
  readonly MacAddress: string
}

/** The same container has the same one on a network each time. */
export const endpointId = (networkId: string, containerId: string): string =>
  createHash('sha256').update(`${networkId} ${containerId}`).digest('hex')

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Names that others on the network find the container by. */
export function namesOf(container: {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly aliases: readonly string[]
}): readonly string[] {
  const all = [container.name, ...container.aliases, container.id.slice(0, 12), container.hostname]
  return [...new Set(all.filter((name) => name !== ''))]
}

export function endpointSettings(
  network: NetworkRecord,
  containerId: string,
  result: CniResult,
  names: { readonly aliases: readonly string[]; readonly all: readonly string[] },
): EndpointSettings {
  const of = (version: 4 | 6): readonly [address: string, prefix: number, gateway: string] => {
    const found = (result.ips ?? []).find(({ address }) => address.includes(':') === (version === 6))
    const [address = '', prefix = '0'] = found?.address.split('/') ?? []
    return [address, Number(prefix), network.Internal ? '' : (found?.gateway ?? '')]
  }
  const [ip4, prefix4, gateway4] = of(4)
  const [ip6, prefix6, gateway6] = of(6)
  const inside = (result.interfaces ?? []).find(({ sandbox = '' }) => sandbox !== '')
  return {
    NetworkID: network.Id,
    EndpointID: endpointId(network.Id, containerId),
    Gateway: gateway4,
    IPAddress: ip4,
    IPPrefixLen: prefix4,
    IPv6Gateway: gateway6,
    GlobalIPv6Address: ip6,
    GlobalIPv6PrefixLen: prefix6,
    MacAddress: inside?.mac ?? '',
    Aliases: names.aliases.length === 0 ? null : names.aliases,
    DNSNames: names.all,
  }
}

/** sandboxKey: path of the namespace; '' : none of its own. */
export function networkSettings(
  containerId: string,
  sandboxKey: string,
  networks: Readonly<Record<string, EndpointSettings>>,
  ports: NetworkSettings['Ports'],
): NetworkSettings {
  const main = networks['bridge']
  return {
    SandboxID: sandboxKey === '' ? '' : digest(`sandbox ${containerId}`),
    SandboxKey: sandboxKey,
    Ports: ports,
    EndpointID: main?.EndpointID ?? '',
    Gateway: main?.Gateway ?? '',
    GlobalIPv6Address: main?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: main?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: main?.IPAddress ?? '',
    IPPrefixLen: main?.IPPrefixLen ?? 0,
    IPv6Gateway: main?.IPv6Gateway ?? '',
    MacAddress: main?.MacAddress ?? '',
    Networks: networks,
  }
}
