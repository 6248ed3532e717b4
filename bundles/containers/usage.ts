// SPDX-License-Identifier: Apache-2.0
// What the storage takes on disk, and who has it: `system df`.

import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sizeOf } from '../host/files.ts'
import { inParallel } from '../host/parallel.ts'
import { partsOf } from '../images/garbage.ts'
import type { StoredImage } from '../images/store.ts'
import type { Storage } from '../storage.ts'
import type { Volume } from '../volumes/volumes.ts'
import type { Container } from './container-store.ts'
import type { ContainerRecord } from './record.ts'

export interface ImageUsage {
  readonly image: StoredImage
  readonly size: number
  /** Of it, what other images have as well. */
  readonly shared: number
  /** Ids of containers. */
  readonly containers: readonly string[]
}

export interface ContainerUsage {
  readonly container: Container
  /** Of what it wrote. */
  readonly size: number
}

export interface VolumeUsage {
  readonly volume: Volume
  readonly size: number
  readonly containers: readonly string[]
}

export interface DiskUsage {
  readonly images: { readonly all: readonly ImageUsage[]; readonly size: number; readonly reclaimable: number }
  readonly containers: readonly ContainerUsage[]
  readonly volumes: readonly VolumeUsage[]
  readonly cache: { readonly steps: number; readonly size: number }
}

/** Bytes that a container has written. */
export const writtenSize = (storage: Storage, { id }: ContainerRecord): Promise<number> =>
  sizeOf(storage.containers.path(id, 'diff')).catch(() => 0)

/** `SizeRw` and `SizeRootFs`. */
export async function containerSizes(
  storage: Storage,
  record: ContainerRecord,
): Promise<{ readonly rw: number; readonly root: number }> {
  const rw = await writtenSize(storage, record)
  const below = await Promise.all(record.lower.map((layer) => sizeOf(layer)))
  return { rw, root: below.reduce((sum, size) => sum + size, rw) }
}

/** It runs, or is about to. */
export const isLive = ({ state }: Container): boolean => state.status === 'running' || state.status === 'restarting'

const fileSize = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** Sizes of blobs and unpacked layers, each asked for once. */
class Sizes {
  readonly #storage: Storage
  readonly #known = new Map<string, number>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  async measure(parts: Iterable<string>): Promise<void> {
    const { images, layers } = this.#storage
    await inParallel(
      4,
      [...new Set(parts)].filter((part) => !this.#known.has(part)),
      async (part) => {
        const [kind = '', digest = ''] = part.split(' ')
        const size =
          kind === 'blob'
            ? await fileSize(images.blobPath(digest))
            : await sizeOf(dirname(layers.path(digest))).catch(() => 0)
        this.#known.set(part, size)
      },
    )
  }

  sum(parts: Iterable<string>): number {
    let sum = 0
    for (const part of new Set(parts)) sum += this.#known.get(part) ?? 0
    return sum
  }
}

async function imageUsage(
  storage: Storage,
  containers: readonly Container[],
  sizes: Sizes,
): Promise<DiskUsage['images']> {
  const stored = await storage.images.list()
  const parts = new Map<string, readonly string[]>()
  const counts = new Map<string, number>()
  for (const { descriptor } of stored) {
    if (parts.has(descriptor.digest)) continue
    const own = await partsOf(storage, descriptor)
    parts.set(descriptor.digest, own)
    for (const part of own) counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  await sizes.measure([...parts.values()].flat())
  const all = stored.map((image): ImageUsage => {
    const own = parts.get(image.descriptor.digest) ?? []
    return {
      image,
      size: sizes.sum(own),
      shared: sizes.sum(own.filter((part) => (counts.get(part) ?? 0) > 1)),
      containers: containers
        .filter(({ record }) => own.includes(`blob ${record.image.manifest.digest}`))
        .map(({ record }) => record.id),
    }
  })
  const kept = all
    .filter((one) => one.containers.length > 0)
    .flatMap(({ image }) => parts.get(image.descriptor.digest) ?? [])
  const size = sizes.sum([...parts.values()].flat())
  return { all, size, reclaimable: size - sizes.sum(kept) }
}

async function cacheUsage(storage: Storage, images: readonly StoredImage[], sizes: Sizes): Promise<DiskUsage['cache']> {
  const records = await storage.cache.records()
  const used = new Set((await Promise.all(images.map(({ descriptor }) => partsOf(storage, descriptor)))).flat())
  const blobs = records.flatMap(({ record }) =>
    record.layer === undefined ? [] : [`blob ${record.layer.blob.digest}`],
  )
  const layers = (await storage.layers.list()).chainIds.map((id) => `layer ${id}`)
  const own = [...blobs, ...layers].filter((part) => !used.has(part))
  await sizes.measure(own)
  const rest = await sizeOf(join(storage.directory, 'cache')).catch(() => 0)
  return { steps: records.length, size: sizes.sum(own) + rest }
}

export async function diskUsage(storage: Storage): Promise<DiskUsage> {
  const containers = await storage.containers.list()
  const sizes = new Sizes(storage)
  const images = await imageUsage(storage, containers, sizes)
  const users = await storage.volumes.users()
  return {
    images,
    containers: await Promise.all(
      containers.map(async (container) => ({
        container,
        size: await writtenSize(storage, container.record),
      })),
    ),
    volumes: await Promise.all(
      (await storage.volumes.list()).map(async (volume) => ({
        volume,
        size: await sizeOf(volume.Mountpoint),
        containers: users.get(volume.Name) ?? [],
      })),
    ),
    cache: await cacheUsage(
      storage,
      images.all.map(({ image }) => image),
      sizes,
    ),
  }
}
