// SPDX-License-Identifier: Apache-2.0
// Which addresses a new network gets.

import { DockError } from '../error.ts'
import { addressAt, blocks, contains, overlap, parseAddress, parseSubnet, type Subnet, subnetText } from './address.ts'
import type { IpamConfig } from './network.ts'

export interface SubnetRequest {
  readonly subnets: readonly string[]
  readonly gateways: readonly string[]
  readonly ranges: readonly string[]
  readonly ipv6: boolean
}

const subnet = (text: string): Subnet => parseSubnet(text) as Subnet

/** Private addresses, in the order in which they are tried. The first one is where the default network has its place. */
function* candidates(): Generator<Subnet> {
  yield subnet('172.29.0.0/16')
  yield* blocks(subnet('172.16.0.0/12'), 16)
  yield* blocks(subnet('192.168.0.0/16'), 20)
  yield* blocks(subnet('10.0.0.0/8'), 16)
}

/** An IPv4 subnet that nothing else uses. */
function freeSubnet(used: readonly Subnet[]): Subnet {
  for (const candidate of candidates()) {
    if (!used.some((one) => overlap(one, candidate))) return candidate
  }
  throw new DockError('all private subnets are in use on this host (name one with --subnet)')
}

/** A unique local subnet of IPv6 (RFC 4193), by the network's id. */
const localSubnet = (id: string): Subnet =>
  subnet(`fd${id.slice(0, 2)}:${id.slice(2, 6)}:${id.slice(6, 10)}:${id.slice(10, 14)}::/64`)

function chosen(text: string): Subnet {
  const parsed = parseSubnet(text)
  if (parsed === undefined) throw new DockError(`invalid subnet ${text}: invalid CIDR address: ${text}`)
  if (subnetText(parsed) !== text.toLowerCase() && parsed.base !== parseAddress(text.split('/')[0] ?? '')?.value) {
    throw new DockError(`invalid subnet ${text}: it should be ${subnetText(parsed)}`)
  }
  const room = (parsed.family === 4 ? 32 : 128) - parsed.prefix
  if (room < 2) throw new DockError(`invalid subnet ${text}: it has no room for a gateway and a container`)
  return parsed
}

/** The one of the subnets that a gateway or range is in; it leaves the others to others. */
function takeFor(all: Map<string, string>, one: Subnet): string {
  for (const [text, inside] of all) {
    if (contains(one, inside)) {
      all.delete(text)
      return text
    }
  }
  return ''
}

/** Errors: DockError. used: by the host and by other networks. */
export function chooseSubnets(id: string, request: SubnetRequest, used: readonly Subnet[]): readonly IpamConfig[] {
  const given = request.subnets.map(chosen)
  const gateways = new Map(request.gateways.map((text) => [text, text]))
  const ranges = new Map(request.ranges.map((text) => [text, text.split('/')[0] ?? '']))
  for (const text of request.gateways) {
    if (parseAddress(text) === undefined) throw new DockError(`invalid gateway ${text}: it is no address`)
  }
  for (const text of request.ranges) {
    if (parseSubnet(text) === undefined) throw new DockError(`invalid ip-range ${text}: invalid CIDR address: ${text}`)
  }
  const all = [...given]
  if (!all.some(({ family }) => family === 4)) all.unshift(freeSubnet(used))
  if (request.ipv6 && !all.some(({ family }) => family === 6)) all.push(localSubnet(id))
  const configs = all.map((one, i): IpamConfig => {
    const taken = [...used, ...all.slice(0, i)].find((other) => overlap(other, one))
    if (taken !== undefined) {
      throw new DockError(
        `invalid pool request: Pool overlaps with other one on this address space (${subnetText(one)}: ${subnetText(taken)})`,
      )
    }
    return {
      Subnet: subnetText(one),
      Gateway: takeFor(gateways, one) || addressAt(one, 1),
      IPRange: takeFor(ranges, one),
    }
  })
  const [gateway] = gateways.keys()
  if (gateway !== undefined) throw new DockError(`no matching subnet for gateway ${gateway}`)
  const [range] = ranges.keys()
  if (range !== undefined) throw new DockError(`no matching subnet for range ${range}`)
  return configs
}
