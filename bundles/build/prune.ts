// SPDX-License-Identifier: Apache-2.0
// What builds keep, and what of it goes. Whoever calls this holds the storage alone.

import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { remove, sizeOf } from '../host/files.ts'
import { partsOf } from '../images/garbage.ts'
import type { Storage } from '../storage.ts'

export interface CacheItem {
  /** Of a step, or of a cache mount. */
  readonly id: string
  readonly kind: 'regular' | 'exec.cachemount'
  /** Milliseconds since 1970: when a build used it last. */
  readonly used: number
  readonly bytes: number
  /** Images have it as well, so that nothing is won without it; and what a step made that changed nothing. */
  readonly shared: boolean
}

export interface CachePrune {
  /** What images share, too. */
  readonly all: boolean
  readonly accepts: (item: CacheItem) => boolean
  /** Bytes that may stay, of what was used last. */
  readonly keep: number
}

async function stepItems(storage: Storage): Promise<readonly CacheItem[]> {
  const stored = await storage.images.list()
  const used = new Set((await Promise.all(stored.map(({ descriptor }) => partsOf(storage, descriptor)))).flat())
  return Promise.all(
    (await storage.cache.records()).map(async ({ key, record: { layer } }): Promise<CacheItem> => {
      const shared = layer === undefined || used.has(`blob ${layer.blob.digest}`)
      return {
        id: key,
        kind: 'regular',
        used: (await stat(storage.cache.path(key))).mtimeMs,
        bytes: shared ? 0 : layer.blob.size,
        shared,
      }
    }),
  )
}

const mountsOf = (storage: Storage): string => join(storage.directory, 'cache/mounts')

async function mountItems(storage: Storage): Promise<readonly CacheItem[]> {
  const names = await readdir(mountsOf(storage)).catch(() => [] as string[])
  return Promise.all(
    names.map(async (id): Promise<CacheItem> => {
      const place = join(mountsOf(storage), id)
      return {
        id,
        kind: 'exec.cachemount',
        used: (await stat(place)).mtimeMs,
        bytes: await sizeOf(place),
        shared: false,
      }
    }),
  )
}

/** Removes what is not wanted, that first which was not used for the longest time. The blobs of steps are left to others. */
export async function pruneCache(
  storage: Storage,
  { all, accepts, keep }: CachePrune,
): Promise<{ readonly ids: readonly string[]; readonly bytes: number }> {
  const items = [...(await stepItems(storage)), ...(await mountItems(storage))].toSorted((a, b) => a.used - b.used)
  let left = items.reduce((sum, item) => sum + item.bytes, 0)
  const ids: string[] = []
  let bytes = 0
  for (const item of items) {
    if (keep > 0 && left <= keep) break
    if ((item.shared && !all) || !accepts(item)) continue
    if (item.kind === 'regular') await rm(storage.cache.path(item.id), { force: true })
    else {
      await remove(join(mountsOf(storage), item.id))
      bytes += item.bytes
    }
    left -= item.bytes
    ids.push(item.id)
  }
  return { ids, bytes }
}
