// SPDX-License-Identifier: Apache-2.0
// What nobody needs: containers that have ended, images without a name or a container.

import { sizeOf } from '../host/files.ts'
import { familiarText, parseReference } from '../images/reference.ts'
import type { StoredImage } from '../images/store.ts'
import type { Storage } from '../storage.ts'
import { releaseVolumes } from '../volumes/resolve.ts'
import type { Container } from './container-store.ts'
import { isLive } from './usage.ts'

export interface PrunedContainers {
  readonly ids: readonly string[]
  readonly bytes: number
}

/** Removes containers that do not run. Their volumes stay. */
export async function pruneContainers(
  storage: Storage,
  accepts: (container: Container) => boolean,
): Promise<PrunedContainers> {
  const ids: string[] = []
  let bytes = 0
  for (const { record } of await storage.containers.list()) {
    const held = await storage.containers.lock(record.id)
    try {
      // It may have been started, or removed, before the lock was there.
      const container = await storage.containers.read(record.id)
      if (container === undefined || isLive(container) || !accepts(container)) continue
      bytes += await sizeOf(storage.containers.path(record.id, 'diff')).catch(() => 0)
      await storage.containers.remove(record)
      await releaseVolumes(storage, record, { anonymous: false })
      ids.push(record.id)
    } finally {
      await held.release()
    }
  }
  return { ids, bytes }
}

/**
 * Takes images off the list that have no name, or with `all` no container; `collectGarbage` removes what they were made of.
 * Returns lines as docker prints them.
 */
export async function forgetImages(
  storage: Storage,
  options: { readonly all: boolean; readonly accepts: (image: StoredImage) => boolean | Promise<boolean> },
): Promise<readonly string[]> {
  const used = new Set((await storage.containers.list()).map(({ record }) => record.image.manifest.digest))
  const gone: StoredImage[] = []
  for (const image of await storage.images.list()) {
    if (used.has(image.descriptor.digest) || (image.name !== undefined && !options.all)) continue
    if (await options.accepts(image)) gone.push(image)
  }
  if (gone.length === 0) return []
  const isGone = (image: StoredImage): boolean =>
    gone.some(({ name, descriptor }) => image.name === name && image.descriptor.digest === descriptor.digest)
  await storage.images.change((images) => images.filter((image) => !isGone(image)))
  const kept = new Set((await storage.images.list()).map(({ descriptor }) => descriptor.digest))
  const digests = new Set(gone.map(({ descriptor }) => descriptor.digest))
  return [
    ...gone.flatMap(({ name }) => (name === undefined ? [] : [`untagged: ${familiarText(parseReference(name))}`])),
    ...[...digests].filter((digest) => !kept.has(digest)).map((digest) => `deleted: ${digest}`),
  ]
}

/** Ids of the containers of an image, those that run first. */
export async function containersOf(storage: Storage, manifest: string): Promise<readonly Container[]> {
  const all = (await storage.containers.list()).filter(({ record }) => record.image.manifest.digest === manifest)
  return all.toSorted((a, b) => Number(isLive(b)) - Number(isLive(a)))
}
