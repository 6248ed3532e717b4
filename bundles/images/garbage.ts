// SPDX-License-Identifier: Apache-2.0
// What nobody needs any more. Whoever calls this holds the storage alone, so that no build or container uses it meanwhile.

import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { chainIds } from '../layers/chain.ts'
import { removeContainerLeftovers } from '../containers/leftovers.ts'
import { findProgram, remove, sizeOf } from '../host/files.ts'
import type { Storage } from '../storage.ts'
import { blobsOf } from './archive.ts'
import { type Descriptor, isIndexType } from '../../spec/image/documents.ts'
import { parseImageConfig, parseIndex, parseManifest } from './store.ts'

export interface Collected {
  readonly removed: readonly string[]
  readonly bytes: number
}

/** What an image is made of: `blob DIGEST`, and `layer CHAIN-ID` for what is unpacked of it. */
export async function partsOf({ images }: Pick<Storage, 'images'>, descriptor: Descriptor): Promise<readonly string[]> {
  const parts = (await blobsOf(images, descriptor)).map(({ digest }) => `blob ${digest}`)
  const add = async (one: Descriptor): Promise<void> => {
    const bytes = await images.readDocument(one)
    if (isIndexType(one.mediaType)) {
      for (const inner of parseIndex(bytes, one.digest).manifests)
        if (await images.hasBlob(inner.digest)) await add(inner)
      return
    }
    const manifest = parseManifest(bytes, one.digest)
    const config = parseImageConfig(await images.readDocument(manifest.config), one.digest)
    parts.push(...chainIds(config.rootfs.diff_ids ?? []).map((id) => `layer ${id}`))
  }
  // One that is damaged has at least its blobs.
  await add(descriptor).catch(() => undefined)
  return parts
}

/** Chain ids of the layers that a container lies on. */
function layersBelow(storage: Storage, lower: readonly string[]): readonly string[] {
  return lower.flatMap((path) => {
    const [id = ''] = relative(storage.layers.directory, path).split('/')
    return /^[a-f0-9]{64}$/.test(id) ? [`layer sha256:${id}`] : []
  })
}

/** What images need, and containers, whether their images still have names or not. */
async function needs(storage: Storage): Promise<ReadonlySet<string>> {
  const needed = new Set<string>()
  for (const { descriptor } of await storage.images.list()) {
    for (const part of await partsOf(storage, descriptor)) needed.add(part)
  }
  for (const { record } of await storage.containers.list()) {
    const own = await partsOf(storage, record.image.manifest).catch(() => [])
    for (const part of [...own, ...layersBelow(storage, record.lower)]) needed.add(part)
  }
  return needed
}

async function fileSize(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

async function names(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => [] as string[])
}

/** Containers of builds that are no more: nobody waits for them. */
async function removeContainers(storage: Storage): Promise<readonly string[]> {
  const root = join(storage.directory, 'run')
  const ids = (await names(root)).filter((name) => /^(build|shell)-/.test(name))
  for (const id of ids) {
    const child = spawn(findProgram('tsrun'), ['--root', root, 'delete', '--force', id], { stdio: 'ignore' })
    await once(child, 'close')
  }
  return ids.map((id) => `the container ${id}`)
}

/** What killed processes left: containers, half-written blobs and layers, directories of steps. */
export async function removeLeftovers(storage: Storage): Promise<readonly string[]> {
  const containers = [...(await removeContainers(storage)), ...(await removeContainerLeftovers(storage))]
  const { scratch } = await storage.layers.list()
  const ingest = join(storage.images.directory, 'ingest')
  const left = [
    ...scratch,
    ...(await names(storage.stores.scratch)).map((name) => join(storage.stores.scratch, name)),
    ...(await names(ingest)).map((name) => join(ingest, name)),
  ]
  for (const path of left) await remove(path)
  return [...containers, ...left]
}

/** all: the build cache too; else the layers of steps stay, so that the next build finds them. */
export async function collectGarbage(storage: Storage, options: { readonly all: boolean }): Promise<Collected> {
  const removed: string[] = [...(await removeLeftovers(storage))]
  let bytes = 0
  if (options.all) {
    for (const folder of ['steps', 'places', 'contexts', 'mounts'])
      await remove(join(storage.directory, 'cache', folder))
  }
  const needed = await needs(storage)
  const cached = new Set(
    (await storage.cache.records()).flatMap(({ record }) =>
      record.layer === undefined ? [] : [record.layer.blob.digest],
    ),
  )
  for (const digest of await storage.images.blobs()) {
    if (needed.has(`blob ${digest}`) || cached.has(digest)) continue
    const path = storage.images.blobPath(digest)
    bytes += await fileSize(path)
    await rm(path, { force: true })
    removed.push(digest)
  }
  // A layer that is only in the cache is unpacked again when a build needs it.
  for (const id of (await storage.layers.list()).chainIds) {
    if (needed.has(`layer ${id}`)) continue
    const directory = dirname(storage.layers.path(id))
    bytes += await sizeOf(directory)
    await remove(directory)
    removed.push(`layer ${id}`)
  }
  return { removed, bytes }
}

/** Reads all blobs. Returns what is wrong. */
export async function checkBlobs(storage: Storage): Promise<readonly string[]> {
  const problems: string[] = []
  for (const digest of await storage.images.blobs()) {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(storage.images.blobPath(digest))) hash.update(chunk as Uint8Array)
    if (`sha256:${hash.digest('hex')}` !== digest) problems.push(`the blob ${digest} is damaged`)
  }
  for (const { name, descriptor } of await storage.images.list()) {
    const label = name ?? descriptor.digest
    try {
      for (const blob of await blobsOf(storage.images, descriptor)) {
        if (!(await storage.images.hasBlob(blob.digest))) problems.push(`${label}: the blob ${blob.digest} is missing`)
      }
    } catch (e: unknown) {
      problems.push(`${label}: ${e instanceof Error ? e.message : String(e)}`)
    }
  }
  return problems
}
