// SPDX-License-Identifier: Apache-2.0
import { type Descriptor, isIndexType, isManifestType, type Platform } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { choosePlatform } from '../images/platform.ts'
import { familiarText, type Reference, referenceText, withDefaultTag } from '../images/reference.ts'
import { type ImageStore, parseIndex, parseManifest } from '../images/store.ts'
import { inParallel } from '../host/parallel.ts'
import type { RepositoryClient } from './client.ts'
import { RegistryError } from './http.ts'
import { clientsFor, type RegistryAccess } from './registry.ts'

/** Blobs that are on their way at a time. */
const PARALLEL = 3

export interface TransferProgress {
  /** `exists`: nothing had to be done for it. */
  readonly event: 'begin' | 'bytes' | 'done' | 'exists'
  readonly digest: string
  readonly done: number
  readonly size: number
}

export interface PullOptions {
  readonly platform: Platform
  /** All of an index, not only what fits the platform. */
  readonly allPlatforms?: boolean
  readonly onProgress?: (progress: TransferProgress) => void
  readonly now: number
}

export interface Pulled {
  readonly name: string
  readonly descriptor: Descriptor
  /** The name stood for the same image before. */
  readonly upToDate: boolean
}

/** Tries one endpoint after the other: a mirror that fails is no reason to fail. Errors: that of the registry itself. */
async function fromFirst<T>(
  clients: readonly RepositoryClient[],
  ask: (client: RepositoryClient) => Promise<T>,
): Promise<T> {
  let failure: unknown
  for (const client of clients) {
    try {
      return await ask(client)
    } catch (e: unknown) {
      failure = e
    }
  }
  throw failure
}

/** Fetches an image into the store and names it there. Errors: DockError; what was fetched whole stays for the next try. */
export async function pull(
  store: ImageStore,
  wanted: Reference,
  access: RegistryAccess,
  options: PullOptions,
): Promise<Pulled> {
  const reference = withDefaultTag(wanted)
  const clients = clientsFor(reference, access)
  const { tag: _, ...untagged } = reference
  const name = referenceText(reference.digest === undefined ? reference : untagged)
  const known = (await store.list()).find((image) => image.name === name)
  const descriptor = await fromFirst(clients, async (client) => {
    const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest').catch((e: unknown) => {
      if (!(e instanceof RegistryError) || e.status !== 404) throw e
      throw new DockError(`${familiarText(reference)}: not found in the registry ${reference.registry}`, { cause: e })
    })
    await fetchTree(store, client, top.descriptor, top.bytes, options, name)
    return top.descriptor
  })
  await store.tag(name, descriptor, options.now)
  return { name, descriptor, upToDate: known?.descriptor.digest === descriptor.digest }
}

async function fetchTree(
  store: ImageStore,
  client: RepositoryClient,
  descriptor: Descriptor,
  bytes: Buffer,
  options: PullOptions,
  name: string,
  depth = 0,
): Promise<void> {
  if (depth > 3) throw new DockError(`${name}: indexes of indexes without end`)
  if (isIndexType(descriptor.mediaType)) {
    const index = parseIndex(bytes, name)
    const chosen = options.allPlatforms === true ? index.manifests : [choosePlatform(index, options.platform, name)]
    for (const one of chosen) {
      const child = await client.manifest(one.digest)
      if (child.bytes.length !== one.size)
        throw new DockError(`${name}: ${one.digest} has ${child.bytes.length} bytes where ${one.size} were announced`)
      const mediaType = child.descriptor.mediaType || one.mediaType
      await fetchTree(store, client, { ...one, mediaType }, child.bytes, options, name, depth + 1)
    }
  } else if (isManifestType(descriptor.mediaType)) {
    const manifest = parseManifest(bytes, name)
    const blobs = new Map([manifest.config, ...manifest.layers].map((blob) => [blob.digest, blob]))
    await inParallel(PARALLEL, [...blobs.values()], (blob) => fetchBlob(store, client, blob, options))
  } else {
    throw new DockError(
      `${name}: a manifest of the type "${descriptor.mediaType}", which is no image that this program knows`,
    )
  }
  await store.putDocument(descriptor.mediaType, bytes)
}

async function fetchBlob(
  store: ImageStore,
  client: RepositoryClient,
  blob: Descriptor,
  options: PullOptions,
): Promise<void> {
  const tell = (event: TransferProgress['event'], done: number): void =>
    options.onProgress?.({ event, digest: blob.digest, done, size: blob.size })
  if (await store.hasBlob(blob.digest)) {
    tell('exists', blob.size)
    return
  }
  tell('begin', 0)
  let done = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of client.blob(blob)) {
      done += chunk.length
      tell('bytes', done)
      yield chunk
    }
  }
  await store.ingest(counted(), blob)
  tell('done', blob.size)
}
