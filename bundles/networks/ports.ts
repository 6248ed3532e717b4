// SPDX-License-Identifier: Apache-2.0
// Published ports: what is asked for, and what it comes to. Pure.

import type { PortBinding, PortMap } from '../containers/record.ts'
import { DockError } from '../error.ts'

export type Protocol = 'tcp' | 'udp' | 'sctp'

/** One port of the host that is the container's. */
export interface Mapping {
  readonly protocol: Protocol
  /** '' : all addresses of the host, IPv6 too. */
  readonly hostIp: string
  readonly hostPort: number
  readonly containerPort: number
}

/** The same, before a port of the host is chosen. */
export interface PortWish {
  readonly protocol: Protocol
  readonly hostIp: string
  readonly containerPort: number
  /** The ports that will do; undefined: any free one. */
  readonly among: readonly [first: number, last: number] | undefined
}

const protocols: readonly string[] = ['tcp', 'udp', 'sctp']

/** `80/tcp`. Errors: DockError. */
export function parsePort(text: string): { readonly port: number; readonly protocol: Protocol } {
  const [number = '', protocol = 'tcp'] = text.split('/')
  const port = Number(number)
  if (!/^\d+$/.test(number) || port < 1 || port > 65535 || !protocols.includes(protocol)) {
    throw new DockError(`invalid port specification: "${text}"`)
  }
  return { port, protocol: protocol as Protocol }
}

/** '' , `4000` or `4000-4010`. */
function parseHostPort(text: string): PortWish['among'] {
  if (text === '' || text === '0') return undefined
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first < 1 || last > 65535 || first > last) throw new DockError(`invalid hostPort: ${text}`)
  return [first, last]
}

/** Errors: DockError. exposed: `80/tcp`, published by publishAll. */
export function portWishes(ports: PortMap, publishAll: boolean, exposed: readonly string[]): readonly PortWish[] {
  const all: Record<string, readonly PortBinding[]> = { ...ports }
  for (const one of publishAll ? exposed : []) {
    const { port, protocol } = parsePort(one)
    all[`${port}/${protocol}`] ??= [{ HostIp: '', HostPort: '' }]
  }
  const wishes = Object.entries(all).flatMap(([text, bindings]) => {
    const { port, protocol } = parsePort(text)
    return (bindings ?? []).map((binding) => ({
      protocol,
      hostIp: binding.HostIp,
      containerPort: port,
      among: parseHostPort(binding.HostPort),
    }))
  })
  // Those that leave no choice come first.
  const room = ({ among }: PortWish): number => (among === undefined ? 65536 : among[1] - among[0])
  return wishes.sort((a, b) => room(a) - room(b))
}

const isAll = (ip: string): boolean => ip === '' || ip === '0.0.0.0' || ip === '::'
const familyOf = (ip: string): number => (ip === '' ? 0 : ip.includes(':') ? 6 : 4)

/** Whether both could not be listened on. */
export function collide(
  a: Pick<Mapping, 'protocol' | 'hostIp' | 'hostPort'>,
  b: Pick<Mapping, 'protocol' | 'hostIp' | 'hostPort'>,
): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false
  const families = [familyOf(a.hostIp), familyOf(b.hostIp)]
  if (!families.includes(0) && families[0] !== families[1]) return false
  return isAll(a.hostIp) || isAll(b.hostIp) || a.hostIp === b.hostIp
}

const order = (a: string, b: string): number => {
  const [x, y] = [Number.parseInt(a, 10), Number.parseInt(b, 10)]
  return x === y ? (a < b ? -1 : 1) : x - y
}

/** docker's `Ports`: those that are exposed alone have null. hasIPv6: of the host. */
export function portsShown(
  mappings: readonly Mapping[],
  exposed: readonly string[],
  hasIPv6: boolean,
): Readonly<Record<string, readonly PortBinding[] | null>> {
  const shown: Record<string, PortBinding[] | null> = {}
  for (const one of exposed) {
    const { port, protocol } = parsePort(one)
    shown[`${port}/${protocol}`] = null
  }
  for (const { protocol, hostIp, hostPort, containerPort } of mappings) {
    const key = `${containerPort}/${protocol}`
    const addresses = hostIp !== '' ? [hostIp] : hasIPv6 ? ['0.0.0.0', '::'] : ['0.0.0.0']
    shown[key] = [...(shown[key] ?? []), ...addresses.map((HostIp) => ({ HostIp, HostPort: String(hostPort) }))]
  }
  return Object.fromEntries(Object.entries(shown).sort(([a], [b]) => order(a, b)))
}
