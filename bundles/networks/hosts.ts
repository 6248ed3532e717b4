// SPDX-License-Identifier: Apache-2.0
// /etc/hosts of containers. What is above the mark is the container's, which may have changed it; what is below it is
// kept up to date while the container runs.

import { constants, open } from 'node:fs/promises'
import { DockError } from '../error.ts'
import { codeOf } from './json-file.ts'
import type { NetworkSettings } from './settings.ts'

export { resolvConfText } from './resolv-conf.ts'

const MARK = '# Containers on the same networks, as tsdock keeps it:'
/** A container could make its file grow. */
const LIMIT = 1 << 20

export interface HostsLine {
  readonly address: string
  readonly names: readonly string[]
}

const localhost: readonly HostsLine[] = [
  { address: '127.0.0.1', names: ['localhost'] },
  { address: '::1', names: ['localhost', 'ip6-localhost', 'ip6-loopback'] },
  { address: 'fe00::', names: ['ip6-localnet'] },
  { address: 'ff00::', names: ['ip6-mcastprefix'] },
  { address: 'ff02::1', names: ['ip6-allnodes'] },
  { address: 'ff02::2', names: ['ip6-allrouters'] },
]

const text = (lines: readonly HostsLine[]): string =>
  lines.map(({ address, names }) => `${address}\t${names.join(' ')}\n`).join('')

/** `name:ip` or `name=ip`; `host-gateway` stands for an address of the host. Errors: DockError. */
export function parseExtraHost(extra: string, gateway: string): HostsLine {
  const at = extra.search(/[:=]/)
  const name = extra.slice(0, at)
  const ip = extra.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
  if (at <= 0 || ip === '') throw new DockError(`bad format for add-host: "${extra}"`)
  if (ip !== 'host-gateway') return { address: ip, names: [name] }
  if (gateway === '') throw new DockError(`add-host "${extra}": the container has no network with a gateway`)
  return { address: gateway, names: [name] }
}

export interface HostsInput {
  readonly hostname: string
  readonly domainname: string
  /** Undefined: it has nothing but lo, or the host's network. */
  readonly settings: NetworkSettings | undefined
  /** `name:ip`, or `name:host-gateway` */
  readonly extraHosts: readonly string[]
}

/** The file of a container as it starts. Others on its networks are added when it is announced to them. */
export function hostsText({ hostname, domainname, settings, extraHosts }: HostsInput): string {
  const networks = Object.values(settings?.Networks ?? {})
  const gateway = networks.find(({ Gateway }) => Gateway !== '')?.Gateway ?? ''
  const names = domainname === '' ? [hostname] : [`${hostname}.${domainname}`, hostname]
  const own = networks.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
  return [
    text(localhost),
    text(extraHosts.map((extra) => parseExtraHost(extra, gateway))),
    text(own.filter((address) => address !== '').map((address) => ({ address, names }))),
  ].join('')
}

const peersText = (peers: readonly HostsLine[]): string => (peers.length === 0 ? '' : `${MARK}\n${text(peers)}`)

/** The file with other peers. */
export function withPeers(old: string, peers: readonly HostsLine[]): string {
  const at = old.indexOf(MARK)
  const kept = at < 0 ? old : old.slice(0, at)
  return `${kept === '' || kept.endsWith('\n') ? kept : `${kept}\n`}${peersText(peers)}`
}

/**
 * Changes a file in its place, as it is mounted in a container. Whoever reads it meanwhile sees whole lines: it is written
 * in one go, no shorter than it was, and cut off after that. There is none: nothing is done.
 */
export async function rewriteInPlace(path: string, change: (old: string) => string): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW)
  } catch (e: unknown) {
    if (codeOf(e) === 'ENOENT') return
    throw e
  }
  try {
    const { size } = await file.stat()
    if (size > LIMIT) return
    const old = await file.readFile('utf8')
    const fresh = change(old)
    if (fresh === old) return
    const bytes = Buffer.from(fresh)
    const padded = Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length), '\n')])
    await file.write(padded, 0, padded.length, 0)
    await file.truncate(bytes.length)
  } finally {
    await file.close()
  }
}
