// SPDX-License-Identifier: Apache-2.0
import { createGzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { type Descriptor, isIndexType, type Manifest, mediaTypes } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { inParallel } from '../host/parallel.ts'
import { familiarText, type Reference, withDefaultTag } from '../images/reference.ts'
import { type ImageStore, parseIndex, parseManifest, sha256 } from '../images/store.ts'
import type { RepositoryClient } from './client.ts'
import type { TransferProgress } from './pull.ts'
import { clientsFor, type RegistryAccess } from './registry.ts'

const PARALLEL = 3

export interface PushOptions {
  readonly onProgress?: (progress: TransferProgress & { readonly mountedFrom?: string }) => void
  /** Repositories of the same registry that may have the blobs. */
  readonly mountFrom?: readonly string[]
}

/**
 * Sends an image to its registry. Layers that were built here are kept as plain tar, and compressed for the way; the
 * manifest that is sent names the compressed ones. Errors: DockError. Returns the manifest that the name stands for now.
 */
export async function push(
  store: ImageStore,
  name: Reference,
  descriptor: Descriptor,
  access: RegistryAccess,
  options: PushOptions = {},
): Promise<Descriptor> {
  const reference = withDefaultTag(name)
  const client = clientsFor(reference, access).at(-1)
  if (client === undefined) throw new DockError(`no address for ${familiarText(reference)}`)
  return pushTree(store, client, reference.digest ?? reference.tag ?? 'latest', descriptor, options)
}

async function pushTree(
  store: ImageStore,
  client: RepositoryClient,
  name: string,
  descriptor: Descriptor,
  options: PushOptions,
): Promise<Descriptor> {
  const bytes = await store.readDocument(descriptor)
  if (isIndexType(descriptor.mediaType)) {
    const index = parseIndex(bytes, descriptor.digest)
    const there: Descriptor[] = []
    for (const one of index.manifests) {
      if (!(await store.hasBlob(one.digest))) continue
      there.push({ ...one, ...(await pushTree(store, client, one.digest, one, options)) })
    }
    const sent = Buffer.from(JSON.stringify({ ...index, manifests: there }))
    // What is here of it, when it was pulled for one platform alone.
    const whole =
      there.length === index.manifests.length && there.every((one, i) => one.digest === index.manifests[i]?.digest)
    const document = whole ? bytes : sent
    await client.putManifest(whole || !name.includes(':') ? name : sha256(document), descriptor.mediaType, document)
    return { mediaType: descriptor.mediaType, digest: sha256(document), size: document.length }
  }
  const manifest = parseManifest(bytes, descriptor.digest)
  const layers: Descriptor[] = []
  await inParallel(PARALLEL, manifest.layers, async (layer, i) => {
    layers[i] = await pushLayer(store, client, layer, options)
  })
  await sendBlob(store, client, manifest.config, options)
  const changed = layers.some((layer, i) => layer.digest !== manifest.layers[i]?.digest)
  const document: Buffer = changed ? Buffer.from(JSON.stringify({ ...manifest, layers } satisfies Manifest)) : bytes
  const digest = sha256(document)
  await client.putManifest(name.includes(':') ? digest : name, descriptor.mediaType, document)
  return { mediaType: descriptor.mediaType, digest, size: document.length }
}

async function pushLayer(
  store: ImageStore,
  client: RepositoryClient,
  layer: Descriptor,
  options: PushOptions,
): Promise<Descriptor> {
  const types: Readonly<Record<string, string>> = {
    [mediaTypes.layer]: mediaTypes.layerGzip,
    [mediaTypes.dockerLayer]: mediaTypes.dockerLayerGzip,
  }
  const compressedType = types[layer.mediaType]
  if (compressedType === undefined) {
    await sendBlob(store, client, layer, options)
    return layer
  }
  const gzip = Readable.from(store.readBlob(layer.digest)).pipe(createGzip({ level: 6, chunkSize: 1 << 18 }))
  const blob = await store.ingest(gzip as AsyncIterable<Uint8Array>)
  const compressed = { mediaType: compressedType, ...blob }
  await sendBlob(store, client, compressed, options)
  return compressed
}

async function sendBlob(
  store: ImageStore,
  client: RepositoryClient,
  blob: Descriptor,
  options: PushOptions,
): Promise<void> {
  const tell = (event: TransferProgress['event'], done: number, mountedFrom?: string): void =>
    options.onProgress?.({
      event,
      digest: blob.digest,
      done,
      size: blob.size,
      ...(mountedFrom === undefined ? {} : { mountedFrom }),
    })
  if (await client.hasBlob(blob.digest)) return tell('exists', blob.size)
  for (const from of options.mountFrom ?? []) {
    if (from !== client.repository && (await client.mountBlob(blob.digest, from)))
      return tell('exists', blob.size, from)
  }
  tell('begin', 0)
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    let done = 0
    for await (const chunk of store.readBlob(blob.digest)) {
      done += chunk.length
      tell('bytes', done)
      yield chunk
    }
  }
  await client.putBlob(blob, counted)
  tell('done', blob.size)
}
