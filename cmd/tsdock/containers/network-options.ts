// SPDX-License-Identifier: Apache-2.0
import type { EndpointRequest } from '../../../bundles/containers/record.ts'
import { DockError } from '../../../bundles/error.ts'
import type { CommandInvocation } from '../command.ts'

export interface NetworkOptions {
  /** `HostConfig.NetworkMode` */
  readonly mode: string
  readonly endpoints: Readonly<Record<string, EndpointRequest>>
}

function fail(message: string): never {
  throw new DockError(message, { exitCode: 125 })
}

/** `NAME`, or `name=NAME,alias=A,ip=IP,ip6=IP,mac-address=MAC`. */
function parseNetwork(text: string): readonly [name: string, endpoint: EndpointRequest] {
  const endpoint = { Aliases: [] as string[], IPv4Address: '', IPv6Address: '', MacAddress: '' }
  if (!/^[a-z0-9-]+=/.test(text)) return [text, endpoint]
  let name = ''
  for (const field of text.split(',')) {
    const [key, value = ''] = field.split(/=(.*)/s, 2)
    if (key === 'name') name = value
    else if (key === 'alias') endpoint.Aliases.push(value)
    else if (key === 'ip') endpoint.IPv4Address = value
    else if (key === 'ip6') endpoint.IPv6Address = value
    else if (key === 'mac-address') endpoint.MacAddress = value
    else fail(`invalid argument "${text}" for --network: unknown key "${key}"`)
  }
  if (name === '') fail(`invalid argument "${text}" for --network: network name must be specified (name=NAME)`)
  return [name, endpoint]
}

/** Modes that are no network of their own. */
const isMode = (name: string): boolean => name === 'host' || name === 'none' || name.startsWith('container:')

function checkMode(name: string, invocation: CommandInvocation): void {
  const { list, isGiven, isSet } = invocation
  const kind = name.replace(/:.*/, '')
  if (list('network-alias').length > 0 || list('link').length > 0 || isGiven('ip') || isGiven('ip6')) {
    fail(`conflicting options: an address, alias or link, and the network mode ${kind}`)
  }
  if (kind !== 'container') return
  if (name === 'container:') fail('invalid container format container:<name|id>')
  if (isGiven('hostname')) fail('conflicting options: hostname and the network mode')
  if (list('publish').length > 0 || isSet('publish-all')) {
    fail('conflicting options: port publishing and the container type network mode')
  }
  if (list('expose').length > 0) fail('conflicting options: port exposing and the container type network mode')
  if (list('dns').length > 0) fail('conflicting options: dns and the network mode')
  if (list('add-host').length > 0) {
    fail('conflicting options: custom host-to-IP mapping and the network mode')
  }
}

/** --network, --network-alias, --ip, --ip6 and --mac-address. Errors: DockError. */
export function networkOptions(invocation: CommandInvocation): NetworkOptions {
  const { list, text } = invocation
  const wanted = list('network').map(parseNetwork)
  const [first] = wanted[0] ?? ['default']
  const alone = wanted.find(([name]) => isMode(name))
  if (alone !== undefined) {
    if (wanted.length > 1) fail(`the network mode ${alone[0]} goes with no other network`)
    checkMode(alone[0], invocation)
    return { mode: alone[0], endpoints: {} }
  }
  const all = wanted.length === 0 ? [parseNetwork('bridge')] : wanted
  const endpoints = all.map(([name, endpoint], i): [string, EndpointRequest] => {
    const key = name === 'default' ? 'bridge' : name
    if (i > 0) return [key, endpoint]
    return [
      key,
      {
        Aliases: [...endpoint.Aliases, ...list('network-alias')],
        IPv4Address: text('ip') ?? endpoint.IPv4Address,
        IPv6Address: text('ip6') ?? endpoint.IPv6Address,
        MacAddress: text('mac-address') ?? endpoint.MacAddress,
      },
    ]
  })
  return { mode: first === 'default' ? 'bridge' : first, endpoints: Object.fromEntries(endpoints) }
}
