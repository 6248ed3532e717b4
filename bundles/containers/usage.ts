// SPDX-License-Identifier: Apache-2.0
// How much containers have written.

import { walk } from '../host/files.ts'
import { decodeEntries } from '../layers/frame.ts'
import type { Storage } from '../storage.ts'
import type { ContainerRecord } from './record.ts'

async function sizeOf(storage: Storage, directory: string): Promise<number> {
  const entries = decodeEntries(await walk(directory, '', storage.stores.files))
  return entries.reduce((sum, entry) => sum + (entry.type === 'file' ? Number(entry.size) : 0), 0)
}

/** Bytes in the read-write layer. */
export const writtenSize = (storage: Storage, record: ContainerRecord): Promise<number> =>
  sizeOf(storage, storage.containers.path(record.id, 'diff'))

/** `SizeRw` and `SizeRootFs`. */
export async function containerSizes(
  storage: Storage,
  record: ContainerRecord,
): Promise<{ readonly rw: number; readonly root: number }> {
  const sizes = await Promise.all(record.lower.map((layer) => sizeOf(storage, layer)))
  const rw = await writtenSize(storage, record)
  return { rw, root: sizes.reduce((sum, size) => sum + size, rw) }
}
