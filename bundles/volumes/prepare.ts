// SPDX-License-Identifier: Apache-2.0
// Mounts that are there while a container runs: what volumes with options stand for, and parts of volumes.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ContainerRecord, MountPoint } from '../containers/record.ts'
import { DockError, messageOf, printable } from '../error.ts'
import { bind, walk } from '../host/files.ts'
import { decodeEntries } from '../layers/frame.ts'
import type { Storage } from '../storage.ts'
import { mountArguments } from './local-driver.ts'
import { subpathMount } from './oci-mounts.ts'
import { isMountPoint, parseMountTable } from './mount-table.ts'
import { populate } from './populate.ts'
import { checkBindSource, checkPropagation } from './resolve.ts'

async function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly said: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const chunks: Uint8Array[] = []
  child.stderr.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  const missing = new Promise<never>((_, reject) => child.once('error', reject))
  const [status] = (await Promise.race([once(child, 'close'), missing])) as [number | null]
  return { status, said: printable(Buffer.concat(chunks).toString()).trim() }
}

const mounted = async (path: string): Promise<boolean> =>
  isMountPoint(parseMountTable(await readFile('/proc/self/mountinfo', 'utf8')), path)

/** Mounts what a volume with options stands for, unless that has been done for another container. */
async function mountVolume(storage: Storage, point: MountPoint, { id, lower }: ContainerRecord): Promise<void> {
  const name = point.Name ?? ''
  const { Options, Mountpoint } = await storage.volumes.inspect(name)
  const args = mountArguments(Options, Mountpoint)
  if (args === undefined) return
  const held = await storage.volumes.lock(name)
  try {
    await mkdir(storage.volumes.path(name, 'mounted'), { recursive: true })
    await writeFile(storage.volumes.path(name, 'mounted', id), '')
    if (!(await mounted(Mountpoint))) {
      const { status, said } = await run('mount', args)
      if (status !== 0) {
        throw new DockError(`error while mounting volume '${Mountpoint}': ${said}`, { exitCode: 125 })
      }
    }
  } finally {
    await held.release()
  }
  if (point.Details?.NoCopy === true || (point.Details?.Subpath ?? '') !== '') return
  const { scratch, files } = storage.stores
  await populate(storage.volumes, name, point.Destination, { lower, scratch, files })
}

const directoryOf = (storage: Storage, { id }: ContainerRecord): string => storage.containers.path(id)

/** Puts a part of a volume where the runtime takes it from: links in the volume are not to lead the runtime elsewhere. */
async function mountSubpath(
  storage: Storage,
  record: ContainerRecord,
  point: MountPoint,
  subpath: string,
): Promise<void> {
  const target = subpathMount(directoryOf(storage, record), point)
  if (await mounted(target)) return
  const found = await walk(point.Source, subpath, { only: true, follow: true }).catch((e: unknown) => {
    throw new DockError(`cannot access path ${subpath} of the volume ${point.Name}: ${messageOf(e)}`, { exitCode: 125 })
  })
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  if (decodeEntries(found)[0]?.type === 'directory') await mkdir(target, { recursive: true })
  else await writeFile(target, '')
  await bind({ source: point.Source, subpath }, target)
}

/** Before a container starts, each time. Errors: DockError; `unprepareMounts` takes back what was done. */
export async function prepareMounts(storage: Storage, record: ContainerRecord): Promise<void> {
  for (const point of record.mounts) {
    if (point.Type === 'bind') {
      await checkBindSource(point.Source, point.Details?.CreateSource === true)
      await checkPropagation(point)
    } else if (point.Type === 'volume') {
      await mkdir(point.Source, { recursive: true, mode: 0o755 })
      await mountVolume(storage, point, record)
      const subpath = point.Details?.Subpath ?? ''
      if (subpath !== '') await mountSubpath(storage, record, point, subpath)
    }
  }
}

/** A start takes no longer until its container runs. */
const STARTING_MS = 120_000

/** Whether a container that had a volume mounted needs it: it runs, or is about to. */
async function needsMount(storage: Storage, name: string, id: string): Promise<boolean> {
  const container = await storage.containers.read(id)
  if (container === undefined) return false
  if (/^(running|restarting)$/.test(container.state.status)) return true
  const { mtimeMs } = await stat(storage.volumes.path(name, 'mounted', id))
  return Date.now() - mtimeMs < STARTING_MS
}

async function unmount(target: string): Promise<void> {
  if (!(await mounted(target))) return
  const { status, said } = await run('umount', ['--', target])
  if (status !== 0) throw new DockError(`error while unmounting volume '${target}': ${said}`)
}

async function unmountVolume(storage: Storage, name: string, target: string, id: string): Promise<void> {
  const held = await storage.volumes.lock(name)
  try {
    await rm(storage.volumes.path(name, 'mounted', id), { force: true })
    for (const other of await readdir(storage.volumes.path(name, 'mounted')).catch(() => [] as string[])) {
      if (await needsMount(storage, name, other)) return
    }
    await unmount(target)
  } finally {
    await held.release()
  }
}

/** When a container has ended, however. What another one that runs still needs stays. */
export async function unprepareMounts(storage: Storage, record: ContainerRecord): Promise<void> {
  for (const point of record.mounts) {
    const { Type, Name } = point
    if (Type !== 'volume' || Name === undefined) continue
    if ((point.Details?.Subpath ?? '') !== '') await unmount(subpathMount(directoryOf(storage, record), point))
    const volume = await storage.volumes.find(Name)
    if (volume === undefined || mountArguments(volume.Options, volume.Mountpoint) === undefined) continue
    await unmountVolume(storage, Name, volume.Mountpoint, record.id)
  }
}
