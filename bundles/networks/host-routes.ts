// SPDX-License-Identifier: Apache-2.0
// What this host's own network looks like, as far as it decides what containers may have.

import { execFile } from 'node:child_process'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { networkCommand, ownNetwork } from '../host/namespaces.ts'
import { addressText, parseAddress, parseSubnet, type Subnet } from './address.ts'

export interface HostRoute {
  readonly subnet: Subnet
  readonly device: string
  /** It is reached without a router: the host itself is in it. */
  readonly direct: boolean
}

const linesOf = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line.trim() !== '')

/** An IPv4 address as the kernel writes it: hexadecimal, in the order of bytes in memory. */
function kernelAddress(hex: string): bigint {
  const bytes = hex.match(/../g) ?? []
  const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  return BigInt(`0x${(littleEndian ? bytes.reverse() : bytes).join('')}`)
}

async function routes4(): Promise<readonly HostRoute[]> {
  const [, ...lines] = await linesOf('/proc/net/route')
  return lines.map((line) => {
    const [device = '', destination = '0', router, , , , , mask = '0'] = line.split(/\s+/)
    const prefix = [...kernelAddress(mask).toString(2)].filter((bit) => bit === '1').length
    const direct = /^0*$/.test(router ?? '')
    return { device, direct, subnet: { family: 4, base: kernelAddress(destination), prefix } }
  })
}

async function routes6(): Promise<readonly HostRoute[]> {
  return (await linesOf('/proc/net/ipv6_route')).map((line) => {
    const [destination = '0', prefix = '0', , , router = '', , , , , device = ''] = line.trim().split(/\s+/)
    const subnet = { family: 6 as const, base: BigInt(`0x${destination}`), prefix: Number.parseInt(prefix, 16) }
    return { device, direct: /^0*$/.test(router), subnet }
  })
}

const isDefault = ({ subnet }: HostRoute): boolean => subnet.prefix === 0

/** Subnets that the host reaches, and the name servers that it asks. */
export async function usedSubnets(): Promise<readonly HostRoute[]> {
  const servers = (await linesOf('/etc/resolv.conf'))
    .map((line) => /^nameserver\s+(\S+)/.exec(line)?.[1])
    .flatMap((server) => {
      const address = parseAddress(server ?? '')
      if (address === undefined) return []
      const subnet = parseSubnet(`${addressText(address.family, address.value)}/${address.family === 4 ? 32 : 128}`)
      return subnet === undefined ? [] : [{ subnet, device: '', direct: false }]
    })
  const routes = [...(await routes4()), ...(await routes6())].filter(
    (route) => !isDefault(route) && route.device !== 'lo' && route.subnet.base >> 118n !== 0x3fan,
  )
  return [...routes, ...servers]
}

/** The device of the default route; undefined: there is none. */
export async function defaultDevice(): Promise<string | undefined> {
  return (
    (await routes4()).find(isDefault)?.device ??
    (await routes6()).find((one) => isDefault(one) && one.device !== 'lo')?.device
  )
}

/** It has an address of IPv6 that others can reach. */
export async function hasIPv6(): Promise<boolean> {
  return (await linesOf('/proc/net/if_inet6')).some((line) => {
    const [, , , scope, , device] = line.trim().split(/\s+/)
    return scope === '00' && device !== 'lo'
  })
}

/** Whether a link of that name is there. */
export async function hasLink(name: string): Promise<boolean> {
  return (await readdir('/sys/class/net').catch(() => [] as string[])).includes(name)
}

/** Whether a bridge of containers is there: those of a user are not among the host's links. */
export async function hasBridge(name: string): Promise<boolean> {
  if (ownNetwork() === undefined) return hasLink(name)
  const [program, args] = networkCommand('cat', ['/proc/net/dev'])
  const { stdout } = await promisify(execFile)(program, args)
  return stdout.split('\n').some((line) => line.trim().startsWith(`${name}:`))
}

/**
 * A host that forwards IPv6 no longer listens to routers, and may lose its own default route by that: those who listen
 * are told to go on. Done before the first network with IPv6 is brought up.
 */
export async function keepRouterAdvertisements(): Promise<void> {
  const conf = '/proc/sys/net/ipv6/conf'
  const forwarding = await readFile(`${conf}/all/forwarding`, 'utf8').catch(() => '1')
  if (forwarding.trim() !== '0') return
  for (const name of await readdir(conf)) {
    const path = `${conf}/${name}/accept_ra`
    if (name === 'all' || name === 'default' || name === 'lo') continue
    if ((await readFile(path, 'utf8').catch(() => '')).trim() === '1') await writeFile(path, '2').catch(() => undefined)
  }
}

/** Sockets of IPv6 can be had, if only on lo. */
export async function hasIPv6Loopback(): Promise<boolean> {
  return (await linesOf('/proc/net/if_inet6')).length > 0
}
