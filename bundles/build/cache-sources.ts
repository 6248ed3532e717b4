// SPDX-License-Identifier: Apache-2.0
// --cache-from: steps that another storage has made, in a cache that --cache-to wrote, or in an image.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Descriptor,
  type ImageConfig,
  isIndexType,
  type Manifest,
  mediaTypes,
} from '../../spec/image/documents.ts'
import { DockError, messageOf } from '../error.ts'
import type { Platform } from '../dockerfile/platform.ts'
import { choosePlatform } from '../images/platform.ts'
import { digestPattern, familiarText, type Reference, withDefaultTag } from '../images/reference.ts'
import { ImageStore, parseImageConfig, parseIndex, parseManifest } from '../images/store.ts'
import { decompress } from '../layers/compress.ts'
import { clientsFor, type RegistryAccess } from '../registry/registry.ts'
import type { CacheRecord } from './cache.ts'
import { type BuiltLayer, type ImageState, timeText } from './image-state.ts'

/** The configuration of a cache's manifest: no image, so that nobody takes it for one. */
export const CACHE_TYPE = 'application/vnd.tsdock.buildcache.v1+json'
const MAX_CONFIG = 8 << 20

/** One step of a cache: its layer is one of the manifest's, which a registry may have compressed. */
export interface SharedRecord {
  readonly key: string
  readonly layer?: number
  readonly diffId?: string
}

export interface CacheDocument {
  readonly records: readonly SharedRecord[]
}

export interface CacheQuery {
  readonly key: string
  readonly state: ImageState
  readonly createdBy: string
  /** The history of an image tells all that the step depends on: RUN without bind mounts, with the usual network. */
  readonly told: boolean
}

export interface CacheSource {
  /** Errors: DockError: it could be had, and cannot be read. */
  find(query: CacheQuery): Promise<CacheRecord | undefined>
}

/** Where a manifest was found. */
export interface CachePlace {
  readonly manifest: Manifest
  readonly config: Uint8Array
  readonly open: (blob: Descriptor) => AsyncIterable<Uint8Array>
}

/** Takes a layer over as it is kept here: plain, so that what is built with it does not depend on where it came from. */
async function takeLayer(
  images: ImageStore,
  place: CachePlace,
  index: number,
  diffId: string,
): Promise<BuiltLayer | undefined> {
  const layer = place.manifest.layers[index]
  if (layer === undefined) return undefined
  if (!(await images.hasBlob(diffId))) await images.ingest(decompress(place.open(layer)), { digest: diffId })
  const { size } = await stat(images.blobPath(diffId))
  return { diffId, blob: { mediaType: mediaTypes.layer, digest: diffId, size } }
}

function sharedRecords(bytes: Uint8Array): ReadonlyMap<string, SharedRecord> {
  const { records } = JSON.parse(Buffer.from(bytes).toString()) as Partial<CacheDocument>
  const isRecord = (one: SharedRecord): boolean =>
    /^[0-9a-f]{64}$/.test(one.key) &&
    (one.layer === undefined || (Number.isInteger(one.layer) && digestPattern.test(one.diffId ?? '')))
  if (!Array.isArray(records) || !records.every(isRecord)) throw new DockError('it is no cache of builds')
  return new Map((records as readonly SharedRecord[]).map((one) => [one.key, one]))
}

/** What --cache-to wrote. */
function keyedSource(images: ImageStore, place: CachePlace): CacheSource {
  const records = sharedRecords(place.config)
  return {
    find: async ({ key }) => {
      const record = records.get(key)
      if (record === undefined) return undefined
      if (record.layer === undefined) return {}
      const layer = await takeLayer(images, place, record.layer, record.diffId ?? '')
      return layer === undefined ? undefined : { layer }
    },
  }
}

/** How many layers of an image are those of a state that was made the same way; undefined: it was made otherwise. */
export function sharedLayers(config: ImageConfig, state: ImageState): number | undefined {
  const history = config.history ?? []
  const { os, architecture, variant } = state.platform
  const samePlatform = config.os === os && config.architecture === architecture && config.variant === variant
  const sameSteps = state.history.every((one, i) => {
    const other = history[i]
    return (
      other?.created_by === one.created_by &&
      other?.created === one.created &&
      (other?.empty_layer === true) === (one.empty_layer === true)
    )
  })
  const diffIds = config.rootfs.diff_ids ?? []
  const sameLayers = state.layers.every(({ diffId }, i) => diffIds[i] === diffId)
  return samePlatform && sameSteps && sameLayers ? state.layers.length : undefined
}

/**
 * An image, by its history: a RUN is taken from it that has the same text, on top of the same layers, made by the same steps.
 * Files that were copied are copied again: their layers tell whether they are the same.
 */
function imageSource(images: ImageStore, place: CachePlace): CacheSource {
  const config = parseImageConfig(place.config, place.manifest.config.digest)
  return {
    find: async ({ state, createdBy, told }) => {
      const below = told ? sharedLayers(config, state) : undefined
      const next = config.history?.[state.history.length]
      if (below === undefined || next?.created_by !== createdBy || next.created !== timeText(state.epoch))
        return undefined
      if (next.empty_layer === true) return {}
      const diffId = config.rootfs.diff_ids?.[below]
      const layer = diffId === undefined ? undefined : await takeLayer(images, place, below, diffId)
      return layer === undefined ? undefined : { layer }
    },
  }
}

/** Errors: DockError. */
export function sourceOf(images: ImageStore, place: CachePlace): CacheSource {
  return place.manifest.config.mediaType === CACHE_TYPE ? keyedSource(images, place) : imageSource(images, place)
}

/** What a store has under a descriptor. Errors: DockError. */
export async function storedPlace(store: ImageStore, descriptor: Descriptor, platform: Platform): Promise<CachePlace> {
  const at = isIndexType(descriptor.mediaType)
    ? choosePlatform(parseIndex(await store.readDocument(descriptor), descriptor.digest), wanted(platform), '')
    : descriptor
  const manifest = parseManifest(await store.readDocument(at), at.digest)
  return {
    manifest,
    config: await store.readDocument(manifest.config),
    open: (blob) => store.readBlob(blob.digest),
  }
}

const wanted = ({ os, architecture, variant }: Platform) => ({
  os,
  architecture,
  ...(variant === undefined || variant === '' ? {} : { variant }),
})

/** A cache in a directory. Errors: DockError. */
export async function localPlace(directory: string, tag: string, platform: Platform): Promise<CachePlace> {
  await stat(join(directory, 'index.json')).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`${directory}: it holds no cache (${e.code})`)
  })
  const store = await ImageStore.open(directory)
  const found = (await store.list()).find(({ name }) => name === tag)
  if (found === undefined) throw new DockError(`${directory}: it holds no cache with the tag ${tag}`)
  return storedPlace(store, found.descriptor, platform)
}

async function collect(stream: AsyncIterable<Uint8Array>, digest: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of stream) {
    size += part.length
    if (size > MAX_CONFIG) throw new DockError(`${digest}: more than ${MAX_CONFIG} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** A cache or an image in a registry. Errors: DockError. */
export async function registryPlace(name: Reference, access: RegistryAccess, platform: Platform): Promise<CachePlace> {
  const reference = withDefaultTag(name)
  const client = clientsFor(reference, access).at(-1)
  if (client === undefined) throw new DockError(`no address for ${familiarText(reference)}`)
  let { descriptor, bytes } = await client.manifest(reference.digest ?? reference.tag ?? 'latest')
  if (isIndexType(descriptor.mediaType)) {
    const chosen = choosePlatform(parseIndex(bytes, descriptor.digest), wanted(platform), familiarText(reference))
    ;({ descriptor, bytes } = await client.manifest(chosen.digest))
  }
  const manifest = parseManifest(bytes, descriptor.digest)
  return {
    manifest,
    config: await collect(client.blob(manifest.config), manifest.config.digest),
    open: (blob) => client.blob(blob),
  }
}

/** A cache that fails is no reason for a build to fail: it is told once, and not asked again. */
export function forgiving(label: string, source: CacheSource, warn: (message: string) => void): CacheSource {
  let failed = false
  return {
    find: async (query) => {
      if (failed) return undefined
      try {
        return await source.find(query)
      } catch (e: unknown) {
        failed = true
        warn(`--cache-from ${label}: ${messageOf(e)}`)
        return undefined
      }
    },
  }
}
