// SPDX-License-Identifier: Apache-2.0
// What killed processes left of containers. Whoever calls this holds the storage alone, so that nobody is making one.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram, remove } from '../host/files.ts'
import { unmount } from '../host/unmount.ts'
import { Networks } from '../networks/networks.ts'
import type { Storage } from '../storage.ts'
import { isMountPoint, parseMountTable } from '../volumes/mount-table.ts'
import { clearRemains } from './clean.ts'

async function ran(program: string, ...args: readonly string[]): Promise<boolean> {
  const child = spawn(program, args, { stdio: 'ignore' })
  const missing = new Promise<[number]>((resolve) => child.once('error', () => resolve([127])))
  const [status] = (await Promise.race([once(child, 'close'), missing])) as [number | null]
  return status === 0
}

const names = (directory: string): Promise<readonly string[]> => readdir(directory).catch(() => [] as string[])

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const isMounted = async (path: string): Promise<boolean> =>
  isMountPoint(parseMountTable(await readFile('/proc/self/mountinfo', 'utf8')), path)

/** What the runtime keeps of a container: its processes go, too. */
const forget = (storage: Storage, id: string): Promise<boolean> =>
  ran(findProgram('tsrun'), '--root', join(storage.runtimeDirectory, 'state'), 'delete', '--force', id)

/** Mounts, processes and directories of containers that do not live, and names without one. Returns what was done. */
export async function removeContainerLeftovers(storage: Storage): Promise<readonly string[]> {
  const done: string[] = []
  const { containers, directory, runtimeDirectory } = storage
  const known = new Set<string>()
  for (const id of await names(containers.directory)) {
    if (!/^[a-f0-9]{64}$/.test(id)) continue
    const container = await containers.read(id)
    if (container !== undefined && /^(running|restarting)$/.test(container.state.status)) {
      known.add(id)
      continue
    }
    const merged = containers.path(id, 'merged')
    if (await isMounted(merged)) done.push(`the mount of container ${id}`)
    if (container !== undefined) {
      await clearRemains(storage, container.record)
      known.add(id)
      continue
    }
    if (await isThere(join(runtimeDirectory, 'state', id))) await forget(storage, id)
    await unmount(merged)
    await new Networks(storage).tearDown(id)
    for (const part of await names(containers.path(id, 'subpaths')))
      await unmount(containers.path(id, 'subpaths', part))
    await remove(containers.path(id))
    done.push(containers.path(id))
  }
  for (const id of await names(join(runtimeDirectory, 'state'))) {
    if (known.has(id) || !/^[a-f0-9]{64}$/.test(id) || !(await forget(storage, id))) continue
    done.push(`the state of container ${id}`)
  }
  for (const name of await names(join(directory, 'names'))) {
    const path = join(directory, 'names', name)
    if (known.has(await readlink(path).catch(() => ''))) continue
    await rm(path, { force: true })
    done.push(path)
  }
  const all = await containers.list()
  const living = all.filter(({ state }) => /^(running|restarting)$/.test(state.status)).map(({ record }) => record.id)
  await new Networks(storage).repair(new Set(living))
  return [...done, ...(await storage.volumes.removeLeftovers())]
}
