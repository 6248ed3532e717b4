// SPDX-License-Identifier: Apache-2.0
// Small images, made without a builder.

import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { ImageStore } from '../../bundles/images/store.ts'
import { type Descriptor, mediaTypes, type Platform } from '../../spec/image/documents.ts'
import { archive, rawEntry } from './tar.ts'

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes
}

export interface TestImage {
  /** Each layer: files by name. */
  readonly layers: readonly Readonly<Record<string, string | Buffer>>[]
  /** Documents as Docker had them before OCI. */
  readonly docker?: boolean
  readonly compression?: 'none' | 'gzip' | 'zstd'
  readonly platform?: Platform
}

function compressed(tar: Buffer, image: TestImage): { readonly bytes: Buffer; readonly mediaType: string } {
  if (image.compression === 'none')
    return { bytes: tar, mediaType: image.docker ? mediaTypes.dockerLayer : mediaTypes.layer }
  if (image.compression === 'zstd') return { bytes: zstdCompressSync(tar), mediaType: mediaTypes.layerZstd }
  return {
    bytes: gzipSync(tar, { level: 1 }),
    mediaType: image.docker ? mediaTypes.dockerLayerGzip : mediaTypes.layerGzip,
  }
}

/** Puts an image into a store. Returns its manifest. */
export async function putImage(store: ImageStore, image: TestImage): Promise<Descriptor> {
  const layers: Descriptor[] = []
  const diffIds: string[] = []
  for (const files of image.layers) {
    const tar = archive(...Object.entries(files).map(([name, data]) => rawEntry({ name, data })))
    const { bytes, mediaType } = compressed(tar, image)
    diffIds.push(`sha256:${createHash('sha256').update(tar).digest('hex')}`)
    layers.push({ mediaType, ...(await store.ingest(oneChunk(bytes))) })
  }
  const platform = image.platform ?? { os: 'linux', architecture: 'amd64' }
  const config = await store.putDocument(image.docker ? mediaTypes.dockerConfig : mediaTypes.config, {
    ...platform,
    created: '2020-01-01T00:00:00Z',
    config: { Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ created_by: 'test' })),
  })
  const mediaType = image.docker ? mediaTypes.dockerManifest : mediaTypes.manifest
  const manifest = await store.putDocument(mediaType, { schemaVersion: 2, mediaType, config, layers })
  return { ...manifest, platform }
}

/** Puts an index over manifests into a store. */
export function putIndex(store: ImageStore, manifests: readonly Descriptor[], docker = false): Promise<Descriptor> {
  const mediaType = docker ? mediaTypes.dockerList : mediaTypes.index
  return store.putDocument(mediaType, { schemaVersion: 2, mediaType, manifests })
}
