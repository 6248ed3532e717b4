// SPDX-License-Identifier: Apache-2.0
// Which ports of this host are taken, and by whom: /proc/net/tcp and the like, and the descriptors of processes.

import { readdir, readFile, readlink } from 'node:fs/promises'
import { addressText } from './address.ts'
import { collide, type Protocol } from './ports.ts'

export interface TakenPort {
  readonly protocol: Protocol
  /** '::' stands for all, as it mostly takes IPv4 too. */
  readonly hostIp: string
  readonly hostPort: number
  readonly inode: string
}

/** State of a socket in /proc/net/tcp. */
const LISTEN = '0A'

function addressOf(hex: string): string {
  // Words of four bytes, each in the order of memory.
  const words = hex.match(/.{8}/g) ?? []
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  const bytes = words.map((word) => (little ? (word.match(/../g) ?? []).reverse().join('') : word)).join('')
  const family = words.length === 1 ? 4 : 6
  const text = addressText(family, BigInt(`0x${bytes}`))
  if (text === '0.0.0.0' || text === '::') return ''
  return text
}

async function table(file: string, protocol: Protocol): Promise<readonly TakenPort[]> {
  const [, ...lines] = (await readFile(`/proc/net/${file}`, 'utf8').catch(() => '')).split('\n')
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address, port] = local.split(':')
    if (address === undefined || port === undefined || (protocol === 'tcp' && state !== LISTEN)) return []
    return [{ protocol, hostIp: addressOf(address), hostPort: Number.parseInt(port, 16), inode }]
  })
}

/** SCTP has a table of its own, without inodes of use; binding tells. */
export async function takenPorts(): Promise<readonly TakenPort[]> {
  const all = await Promise.all([table('tcp', 'tcp'), table('tcp6', 'tcp'), table('udp', 'udp'), table('udp6', 'udp')])
  return all.flat()
}

/** `nginx (pid 123)`: who has a socket. Undefined: it is not to be seen. */
async function processWith(inode: string): Promise<string | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => [] as string[])
    for (const fd of fds) {
      if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')) !== `socket:[${inode}]`) continue
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim()
      return `${name} (pid ${pid})`
    }
  }
  return undefined
}

/** Who on this host has a port. */
export async function holderOf(port: Omit<TakenPort, 'inode'>): Promise<string | undefined> {
  const taken = (await takenPorts()).find((one) => collide(one, port))
  return taken === undefined ? undefined : processWith(taken.inode)
}
