// SPDX-License-Identifier: Apache-2.0
// -p and --expose. Pure.

import { isIP } from 'node:net'
import { DockError } from '../../error.ts'
import type { PortBinding, PortMap } from '../record.ts'

const MAX_PORT = 65535

function wrong(text: string, flag: string, why: string): never {
  throw new DockError(`invalid argument "${text}" for ${flag}: ${why}`, { exitCode: 125 })
}

interface Range {
  readonly first: number
  readonly last: number
}

function parseRange(text: string, whole: string, flag: string): Range {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = match?.[2] === undefined ? first : Number(match[2])
  if (match === null || first < 1 || last > MAX_PORT || last < first) {
    return wrong(whole, flag, `invalid port "${text}": it is a number from 1 to ${MAX_PORT}, or a range: 8000-8010`)
  }
  return { first, last }
}

const numbers = ({ first, last }: Range): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

function protocolOf(text: string, whole: string, flag: string): readonly [ports: string, protocol: string] {
  const [ports = '', protocol = 'tcp', ...more] = text.split('/')
  const name = protocol.toLowerCase()
  if (more.length > 0 || !['tcp', 'udp', 'sctp'].includes(name)) {
    wrong(whole, flag, `invalid protocol "${protocol}": it is tcp, udp or sctp`)
  }
  return [ports, name]
}

/** `80`, `80/udp`, `8000-8010`: keys of `ExposedPorts`. */
export function parseExposed(text: string, flag = '--expose'): readonly string[] {
  const [ports, protocol] = protocolOf(text, text, flag)
  return numbers(parseRange(ports, text, flag)).map((port) => `${port}/${protocol}`)
}

/** `[HOST_IP:][HOST_PORT:]PORT[/PROTOCOL]`, an IPv6 address in brackets. */
function splitPublished(text: string): readonly [ip: string, host: string, container: string] {
  const six = /^\[([0-9a-fA-F:.%]+)\]:(.*)$/.exec(text)
  const rest = six?.[2] ?? text
  const parts = rest.split(':')
  if (six?.[1] !== undefined) {
    const [host = '', container] = parts
    return container === undefined ? [six[1], '', host] : [six[1], host, container]
  }
  if (parts.length > 3) return ['', '', text]
  const [container = '', host = '', ip = ''] = parts.toReversed()
  return [ip, host, container]
}

export interface Published {
  /** Of the container: `80/tcp`. */
  readonly port: string
  readonly binding: PortBinding
}

/** One -p. Errors: DockError. */
export function parsePublished(text: string): readonly Published[] {
  const flag = '--publish'
  const long = text.includes('=') ? longForm(text) : text
  const [ip, host, rest] = splitPublished(long)
  const [ports, protocol] = protocolOf(rest, text, flag)
  if (ports === '') wrong(text, flag, 'no port specified: it is [HOST_IP:][HOST_PORT:]PORT[/PROTOCOL]')
  if (ip !== '' && isIP(ip) === 0) wrong(text, flag, `invalid IP address "${ip}"`)
  const inside = numbers(parseRange(ports, text, flag))
  const bindings = hostPorts(host, inside.length, text)
  return inside.map((port, i) => ({
    port: `${port}/${protocol}`,
    binding: { HostIp: ip, HostPort: bindings[i] ?? '' },
  }))
}

function hostPorts(host: string, count: number, text: string): readonly string[] {
  // 0, as elsewhere: any that is free.
  if (host === '' || host === '0') return []
  const range = parseRange(host, text, '--publish')
  const ports = numbers(range)
  // A range for one port: any free one of it.
  if (count === 1 && ports.length > 1) return [`${range.first}-${range.last}`]
  if (ports.length !== count) {
    wrong(text, '--publish', `the ranges are not of one length: ${ports.length} of the host, ${count} of the container`)
  }
  return ports.map(String)
}

/** `published=4000,target=80,protocol=tcp,mode=host` */
function longForm(text: string): string {
  const known = ['target', 'published', 'protocol', 'mode', 'app_protocol', 'name']
  const fields = new Map(text.split(',').map((field) => field.split('=', 2) as [string, string]))
  for (const key of fields.keys()) if (!known.includes(key)) wrong(text, '--publish', `unknown key "${key}"`)
  const target = fields.get('target') ?? wrong(text, '--publish', 'there is no target=PORT')
  const published = fields.get('published')
  return `${published === undefined ? '' : `${published}:`}${target}/${fields.get('protocol') ?? 'tcp'}`
}

/** All -p of a command. */
export function portMap(texts: readonly string[]): PortMap {
  const map: Record<string, PortBinding[]> = {}
  for (const { port, binding } of texts.flatMap(parsePublished)) {
    map[port] = [...(map[port] ?? []), binding]
  }
  return map
}
