// SPDX-License-Identifier: Apache-2.0
// Commands on networks: what they are called and what they take.

import type { Command, CommandFlag } from '../command.ts'

const any = Number.POSITIVE_INFINITY
const force: CommandFlag = {
  name: 'force',
  short: 'f',
  type: 'boolean',
  summary: 'do not ask, and do not mind what is missing',
}
const filter: CommandFlag = { name: 'filter', type: 'list', value: 'K=V', summary: 'only those that match' }

export const networkCommands: readonly Command[] = [
  {
    name: 'network create',
    summary: 'Make a network',
    usage: '[OPTIONS] NETWORK',
    positionals: { min: 1, max: 1 },
    flags: [
      { name: 'driver', short: 'd', type: 'string', value: 'bridge|macvlan|ipvlan', summary: 'what it is made of' },
      { name: 'subnet', type: 'list', value: 'CIDR', summary: 'its addresses (default: some that are free)' },
      { name: 'gateway', type: 'list', value: 'IP', summary: 'the address of the host in it' },
      { name: 'ip-range', type: 'list', value: 'CIDR', summary: 'the part of them that containers get' },
      { name: 'ipv4', type: 'boolean', summary: 'with IPv4 (default: true)' },
      { name: 'ipv6', type: 'boolean', summary: 'with IPv6' },
      { name: 'ipam-driver', type: 'string', value: 'default', summary: 'who gives out addresses' },
      { name: 'scope', type: 'string', value: 'local', summary: 'where it is known' },
      { name: 'attachable', type: 'boolean', summary: 'containers can join it: all networks are so' },
      { name: 'internal', type: 'boolean', summary: 'nothing leads out of it' },
      { name: 'label', type: 'list', value: 'K=V', summary: 'a label' },
      { name: 'opt', short: 'o', type: 'list', value: 'K=V', summary: 'for the driver: parent=LINK, mtu=N, mode=MODE' },
    ],
    examples: [
      'tsdock network create --subnet 10.5.0.0/24 back',
      'tsdock network create -d macvlan -o parent=eth0 lan',
    ],
    load: async () => (await import('./create.ts')).runNetworkCreate,
  },
  {
    name: 'network ls',
    aliases: ['network list'],
    summary: 'List networks',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [
      { ...filter, short: 'f' },
      { name: 'quiet', short: 'q', type: 'boolean', summary: 'ids alone' },
      { name: 'no-trunc', type: 'boolean', summary: 'whole ids' },
      { name: 'format', type: 'string', value: 'TEMPLATE', summary: 'table, json, or a Go template' },
    ],
    examples: ['tsdock network ls --filter driver=bridge'],
    load: async () => (await import('./list.ts')).runNetworkList,
  },
  {
    name: 'network inspect',
    summary: 'Show all that is known of networks',
    usage: '[OPTIONS] NETWORK [NETWORK...]',
    positionals: { min: 1, max: any },
    flags: [
      { name: 'format', short: 'f', type: 'string', value: 'TEMPLATE', summary: 'json, or a Go template' },
      { name: 'verbose', short: 'v', type: 'boolean', summary: 'of a swarm, more; here all is shown at once' },
    ],
    examples: ['tsdock network inspect bridge'],
    load: async () => (await import('./list.ts')).runNetworkInspect,
  },
  {
    name: 'network rm',
    aliases: ['network remove'],
    summary: 'Remove networks',
    usage: '[OPTIONS] NETWORK [NETWORK...]',
    positionals: { min: 1, max: any },
    flags: [force],
    examples: ['tsdock network rm back'],
    load: async () => (await import('./remove.ts')).runNetworkRemove,
  },
  {
    name: 'network prune',
    summary: 'Remove networks that no container is on',
    usage: '[OPTIONS]',
    positionals: { min: 0, max: 0 },
    flags: [force, filter],
    examples: ['tsdock network prune -f --filter until=24h'],
    load: async () => (await import('./remove.ts')).runNetworkPrune,
  },
  {
    name: 'network connect',
    summary: 'Put a container on one more network',
    usage: '[OPTIONS] NETWORK CONTAINER',
    positionals: { min: 2, max: 2 },
    flags: [
      { name: 'alias', type: 'list', value: 'NAME', summary: 'a name that others on the network find it by' },
      { name: 'ip', type: 'string', value: 'IP', summary: 'its address' },
      { name: 'ip6', type: 'string', value: 'IP', summary: 'its address of IPv6' },
    ],
    examples: ['tsdock network connect --alias db back postgres'],
    load: async () => (await import('./connect.ts')).runNetworkConnect,
  },
  {
    name: 'network disconnect',
    summary: 'Take a container off a network',
    usage: '[OPTIONS] NETWORK CONTAINER',
    positionals: { min: 2, max: 2 },
    flags: [{ ...force, summary: 'do not mind that it is not on it' }],
    examples: ['tsdock network disconnect back postgres'],
    load: async () => (await import('./connect.ts')).runNetworkDisconnect,
  },
]
