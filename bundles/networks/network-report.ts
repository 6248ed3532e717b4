// SPDX-License-Identifier: Apache-2.0
// What is shown of networks, in docker's shape. Pure.

import { createHash } from 'node:crypto'
import type { NetworkRecord, pseudoNetworks } from './network.ts'
import type { Sandbox } from './sandbox.ts'
import { endpointId } from './settings.ts'

export interface NetworkReport {
  readonly Name: string
  readonly Id: string
  readonly Created: string
  readonly Scope: 'local'
  readonly Driver: string
  readonly EnableIPv4: boolean
  readonly EnableIPv6: boolean
  readonly IPAM: {
    readonly Driver: string
    readonly Options: Readonly<Record<string, string>> | null
    readonly Config: readonly { readonly Subnet: string; readonly IPRange?: string; readonly Gateway: string }[]
  }
  readonly Internal: boolean
  readonly Attachable: false
  readonly Ingress: false
  readonly ConfigFrom: { readonly Network: '' }
  readonly ConfigOnly: false
  readonly Containers: Readonly<Record<string, object>>
  readonly Options: Readonly<Record<string, string>>
  readonly Labels: Readonly<Record<string, string>>
}

/** `host` or `none`. Each storage has its own id for it, which stays the same. */
export function pseudoNetwork(directory: string, name: (typeof pseudoNetworks)[number]): NetworkRecord {
  return {
    Name: name,
    Id: createHash('sha256').update(`${directory} ${name}`).digest('hex'),
    Created: '1970-01-01T00:00:00.000Z',
    Driver: name === 'host' ? 'host' : 'null',
    EnableIPv6: false,
    Internal: false,
    IPAM: [],
    Options: {},
    Labels: {},
    device: '',
  }
}

function containersOn(network: NetworkRecord, sandboxes: readonly Sandbox[]): Readonly<Record<string, object>> {
  return Object.fromEntries(
    sandboxes.map((sandbox) => {
      const result = sandbox.attachments.find((one) => one.network.Id === network.Id)?.result
      const addresses = (result?.ips ?? []).map(({ address }) => address)
      const inside = (result?.interfaces ?? []).find((one) => (one.sandbox ?? '') !== '')
      return [
        sandbox.id,
        {
          Name: sandbox.name,
          EndpointID: endpointId(network.Id, sandbox.id),
          MacAddress: inside?.mac ?? '',
          IPv4Address: addresses.find((one) => !one.includes(':')) ?? '',
          IPv6Address: addresses.find((one) => one.includes(':')) ?? '',
        },
      ]
    }),
  )
}

export function networkReport(network: NetworkRecord, sandboxes: readonly Sandbox[]): NetworkReport {
  const { Name, Id, Created, Driver, EnableIPv6, Internal, IPAM, Options, Labels } = network
  return {
    Name,
    Id,
    Created,
    Scope: 'local',
    Driver,
    EnableIPv4: true,
    EnableIPv6,
    IPAM: {
      Driver: 'default',
      Options: null,
      Config: IPAM.map(({ Subnet, IPRange, Gateway }) => ({
        Subnet,
        ...(IPRange === '' ? {} : { IPRange }),
        Gateway,
      })),
    },
    Internal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: containersOn(network, sandboxes),
    Options,
    Labels,
  }
}
