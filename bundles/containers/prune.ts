// SPDX-License-Identifier: Apache-2.0
// What nobody needs: containers that have ended, images without a name or a container.

import { familiarText, parseReference } from '../images/reference.ts'
import type { Descriptor } from '../../spec/image/documents.ts'
import type { StoredImage } from '../images/store.ts'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { removeContainer } from './remove.ts'
import { isLive, writtenSize } from './usage.ts'

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
  for (const container of await storage.containers.list()) {
    if (isLive(container) || !accepts(container)) continue
    bytes += await writtenSize(storage, container.record)
    await removeContainer(storage, container)
    ids.push(container.record.id)
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
    if (image.name !== undefined && !options.all) continue
    if ([...(await storage.images.digestsOf(image.descriptor))].some((digest) => used.has(digest))) continue
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
export async function containersOf(storage: Storage, image: Descriptor): Promise<readonly Container[]> {
  const digests = await storage.images.digestsOf(image)
  const all = (await storage.containers.list()).filter(({ record }) => digests.has(record.image.manifest.digest))
  return all.toSorted((a, b) => Number(isLive(b)) - Number(isLive(a)))
}
