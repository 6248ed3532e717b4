// SPDX-License-Identifier: Apache-2.0
// --cache-to: the steps of a build, for others. Blobs are plain layers; a manifest names them, and its configuration the steps.

import type { Descriptor, Manifest } from '../../spec/image/documents.ts'
import { mediaTypes } from '../../spec/image/documents.ts'
import type { Reference } from '../images/reference.ts'
import { ImageStore } from '../images/store.ts'
import { push } from '../registry/push.ts'
import type { RegistryAccess } from '../registry/registry.ts'
import type { CacheRecord } from './cache.ts'
import { CACHE_TYPE, type CacheDocument, type SharedRecord } from './cache-sources.ts'

/** Key of a step -> what it made. */
export type Steps = ReadonlyMap<string, CacheRecord>

/** Writes the documents of a cache. The same steps give the same digest. */
async function writeCache(store: ImageStore, steps: Steps): Promise<Descriptor> {
  const layers: Descriptor[] = []
  const places = new Map<string, number>()
  const records = [...steps]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { layer }]): SharedRecord => {
      if (layer === undefined) return { key }
      let place = places.get(layer.blob.digest)
      if (place === undefined) {
        place = layers.push(layer.blob) - 1
        places.set(layer.blob.digest, place)
      }
      return { key, layer: place, diffId: layer.diffId }
    })
  const config = await store.putDocument(CACHE_TYPE, { records } satisfies CacheDocument)
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers }
  return store.putDocument(mediaTypes.manifest, manifest)
}

/** Writes a cache into a directory, an OCI layout. Errors: DockError. */
export async function exportLocal(images: ImageStore, steps: Steps, directory: string, tag: string): Promise<void> {
  const store = await ImageStore.open(directory)
  for (const { layer } of steps.values()) {
    if (layer === undefined || (await store.hasBlob(layer.blob.digest))) continue
    await store.ingest(images.readBlob(layer.blob.digest), layer.blob)
  }
  await store.tag(tag, await writeCache(store, steps), 0)
  // What the tag stood for before is of no more use.
  await store.change((all) => all.filter(({ name }) => name !== undefined))
}

/** Sends a cache to a registry. Its documents here go with the next `prune`. Errors: DockError. */
export async function exportRegistry(
  images: ImageStore,
  steps: Steps,
  reference: Reference,
  access: RegistryAccess,
): Promise<void> {
  await push(images, reference, await writeCache(images, steps), access)
}
