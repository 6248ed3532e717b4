// SPDX-License-Identifier: Apache-2.0
// `builder prune`: what builds keep, as docker has it. `prune` is for all that nobody needs.

import { parseBytes } from '../../bundles/containers/options/sizes.ts'
import { type CacheItem, pruneCache } from '../../bundles/build/prune.ts'
import { DockError } from '../../bundles/error.ts'
import { collectGarbage } from '../../bundles/images/garbage.ts'
import { openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'
import { isConfirmed } from './confirm.ts'
import { compileFilters, momentOf } from './filters.ts'
import { sizeText } from './table.ts'

const kinds = ['regular', 'exec.cachemount']

/** Errors: DockError, for a filter that there is not. */
function filterOf(filters: readonly string[]): (item: CacheItem) => boolean {
  const unused = ({ used }: CacheItem, value: string): boolean => used <= momentOf(value)
  for (const filter of filters) {
    const [key = '', value = ''] = filter.split(/=(.*)/s)
    if (key === 'until' || key === 'unused-for') momentOf(value)
    if (key === 'type' && !kinds.includes(value))
      throw new DockError(`invalid filter 'type=${value}' (there are: ${kinds.join(', ')})`)
  }
  return compileFilters<CacheItem>(filters, {
    'until': unused,
    'unused-for': unused,
    'type': ({ kind }, value) => kind === value,
  })
}

/** `tsdock builder prune` */
export async function runBuilderPrune({ isSet, list, text, storage: place }: CommandInvocation): Promise<number> {
  const all = isSet('all')
  const accepts = filterOf(list('filter'))
  const keep = parseBytes(text('keep-storage') ?? '0', 'keep-storage')
  const warning = `WARNING! This will remove all ${all ? '' : 'dangling '}build cache.`
  if (!isSet('force') && !(await isConfirmed(warning))) return 1
  const storage = await openStorage(storageDirectory(place), 'exclusive')
  try {
    const pruned = await pruneCache(storage, { all, accepts, keep })
    // Blobs and layers that only the cache had.
    const { bytes } = await collectGarbage(storage, { all: false })
    const objects = pruned.ids.length === 0 ? '' : `Deleted build cache objects:\n${pruned.ids.join('\n')}\n\n`
    process.stdout.write(`${objects}Total reclaimed space: ${sizeText(bytes + pruned.bytes)}\n`)
    return 0
  } finally {
    await storage.release()
  }
}
