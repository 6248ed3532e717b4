// SPDX-License-Identifier: Apache-2.0
// `import`: the tar of a root file system becomes an image of one layer.

import { writeImage } from '../build/build.ts'
import { emptyState, type ImageState, timeText } from '../build/image-state.ts'
import { lowerOf } from '../build/snapshot.ts'
import { changeConfig } from '../containers/config-changes.ts'
import { type Platform, mediaTypes } from '../../spec/image/documents.ts'
import { decompress } from '../layers/compress.ts'
import type { Storage } from '../storage.ts'

export interface ImportRequest {
  /** Full name with tag; undefined: the image gets none. */
  readonly name: string | undefined
  readonly message: string
  /** Instructions of Dockerfiles. */
  readonly changes: readonly string[]
  readonly platform: Platform
  /** Milliseconds since 1970. */
  readonly now: number
}

/** tar: compressed or not. Returns the image's id. Errors: DockError; it is no tar, or its names lead out of it. */
export async function importImage(
  storage: Storage,
  tar: AsyncIterable<Uint8Array>,
  { name, message, changes, platform, now }: ImportRequest,
): Promise<string> {
  const run = changeConfig({}, changes)
  const blob = await storage.images.ingest(decompress(tar))
  const epoch = Math.floor(now / 1000)
  const base = emptyState(platform, epoch)
  const state: ImageState = {
    ...base,
    run: { ...base.run, ...run },
    layers: [{ diffId: blob.digest, blob: { mediaType: mediaTypes.layer, ...blob } }],
    history: [{ created: timeText(epoch), created_by: '', comment: message === '' ? 'Imported from -' : message }],
  }
  // Unpacked before it has a name: nobody gets an image that cannot be.
  await lowerOf(storage.stores, state)
  const { descriptor, id } = await writeImage(storage, state)
  await storage.images.tag(name, descriptor, now)
  return id
}
