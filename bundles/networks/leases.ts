// SPDX-License-Identifier: Apache-2.0
// Addresses that host-local has given out: a file for each, <ipam>/<network>/<address>, with the container's id in its first
// line.

import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAddress } from './address.ts'

/** host-local writes IPv6 as it is, and may write `_` for `:`. */
const addressOf = (file: string): string => file.replaceAll('_', ':')

/** An empty file: host-local has just made it, or was killed between two calls. */
async function isAbandoned(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => undefined)
  return status !== undefined && Date.now() - status.mtimeMs > 60_000
}

/** Gives back those of containers that are no more, of all networks or only of one. Returns their addresses. */
export async function freeLeases(
  ipamDirectory: string,
  isDead: (containerId: string) => boolean,
  only?: string,
): Promise<readonly string[]> {
  const freed: string[] = []
  for (const network of await readdir(ipamDirectory).catch(() => [] as string[])) {
    if (only !== undefined && network !== only) continue
    const directory = join(ipamDirectory, network)
    for (const file of await readdir(directory).catch(() => [] as string[])) {
      if (parseAddress(addressOf(file)) === undefined) continue
      const [id = ''] = (await readFile(join(directory, file), 'utf8').catch(() => '')).split(/\r?\n/)
      if (id === '' ? !(await isAbandoned(join(directory, file))) : !isDead(id.trim())) continue
      await rm(join(directory, file), { force: true })
      freed.push(addressOf(file))
    }
  }
  return freed
}
