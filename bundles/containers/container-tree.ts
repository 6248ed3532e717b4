// SPDX-License-Identifier: Apache-2.0
// The files of a container as its programs see them, with its volumes: of one that runs by the root directory of its first
// process, of another one in a mount namespace for each command.

import { readFile } from 'node:fs/promises'
import { DockError } from '../error.ts'
import { type BindMount, type FilesOptions, type OverlayMount, remove, runBeside } from '../host/files.ts'
import { makeScratch } from '../layers/unpacked.ts'
import type { Storage } from '../storage.ts'
import { isMountPoint, parseMountTable } from '../volumes/mount-table.ts'
import { inMountOrder } from '../volumes/oci-mounts.ts'
import { prepareMounts, unprepareMounts } from '../volumes/prepare.ts'
import type { Container } from './container-store.ts'
import type { ContainerRecord, MountPoint } from './record.ts'

export interface ContainerTree {
  /** What commands of tsdock-files take, with `options`. */
  readonly directory: string
  readonly options: FilesOptions
  release(): Promise<void>
}

const bindOf = ({ Source, Destination, RW, Details }: MountPoint): BindMount => ({
  source: Source,
  subpath: Details?.Subpath,
  at: Destination,
  readonly: !RW,
  alone: Details?.NonRecursive === true,
})

const isRunning = ({ state }: Container): boolean => state.status === 'running' && state.pid > 0

function runningTree({ state }: Container): ContainerTree {
  return {
    directory: '-',
    options: { process: { pid: state.pid, start: state.pidStart } },
    release: async () => undefined,
  }
}

function restarting({ id }: ContainerRecord): DockError {
  return new DockError(`Container ${id} is restarting, wait until the container is running`)
}

/** Opens the files of a container, so that they can be written as well. Errors: DockError. */
export async function openContainerTree(storage: Storage, found: Container): Promise<ContainerTree> {
  if (isRunning(found)) return runningTree(found)
  const { id } = found.record
  const held = await storage.containers.lock(id)
  try {
    // It may have been started before the lock was there.
    const container = (await storage.containers.read(id)) ?? found
    if (isRunning(container)) {
      await held.release()
      return runningTree(container)
    }
    if (container.state.status === 'restarting') throw restarting(container.record)
    return await stoppedTree(storage, container.record, held.release)
  } catch (e: unknown) {
    await held.release()
    throw e
  }
}

/** All that a container sees but tmpfs, mounted on a directory. Its volumes must be prepared. */
const wholeOverlay = (storage: Storage, record: ContainerRecord, target: string): OverlayMount => ({
  target,
  upper: upperOf(storage, record.id),
  lower: record.lower,
  // As its monitor mounts it: what one that goes with --rm wrote has a mark that keeps others from mounting it.
  durable: !record.hostConfig.AutoRemove,
  seal: record.hostConfig.ReadonlyRootfs,
  binds: inMountOrder(record.mounts.filter(({ Type }) => Type !== 'tmpfs')).map(bindOf),
})

/**
 * Runs a program with this process's stdio, in a mount namespace where a container that does not run has its files at `merged`,
 * as when it runs. It cannot be started meanwhile. Returns the exit status; undefined: it was started just now. Errors: DockError.
 */
export async function runBesideStopped(
  storage: Storage,
  id: string,
  command: readonly string[],
): Promise<number | undefined> {
  const held = await storage.containers.lock(id)
  try {
    const { record, state } = await storage.containers.find(id)
    if (state.status === 'restarting') throw restarting(record)
    if (state.status === 'running') return undefined
    await prepareMounts(storage, record)
    try {
      const overlay = wholeOverlay(storage, record, storage.containers.path(id, 'merged'))
      return await runBeside({ ...storage.stores.files, overlays: [overlay] }, command)
    } finally {
      await unprepareMounts(storage, record)
    }
  } finally {
    await held.release()
  }
}

async function stoppedTree(
  storage: Storage,
  record: ContainerRecord,
  unlock: () => Promise<void>,
): Promise<ContainerTree> {
  await prepareMounts(storage, record)
  const target = await makeScratch(storage.stores.scratch)
  return {
    directory: target,
    options: { ...storage.stores.files, overlays: [wholeOverlay(storage, record, target)] },
    release: async () => {
      try {
        await remove(target)
        await unprepareMounts(storage, record)
      } finally {
        await unlock()
      }
    },
  }
}

export const upperOf = (storage: Storage, id: string): { readonly directory: string; readonly work: string } => ({
  directory: storage.containers.path(id, 'diff'),
  work: storage.containers.path(id, 'work'),
})

/**
 * The files of a container without what is mounted in it: for export. One that runs has its overlay mounted on this host.
 * Errors: DockError.
 */
export async function openBareTree(storage: Storage, { record }: Container): Promise<ContainerTree> {
  const merged = storage.containers.path(record.id, 'merged')
  if (isMountPoint(parseMountTable(await readFile('/proc/self/mountinfo', 'utf8')), merged)) {
    return { directory: merged, options: {}, release: async () => undefined }
  }
  const target = await makeScratch(storage.stores.scratch)
  const second = await makeScratch(storage.stores.scratch)
  const lower = [upperOf(storage, record.id).directory, ...record.lower, second]
  return {
    directory: target,
    options: { ...storage.stores.files, overlays: [{ target, lower }] },
    release: async () => {
      await Promise.all([remove(target), remove(second)])
    },
  }
}
