// SPDX-License-Identifier: Apache-2.0
// What the image has at a volume's mount point is put into the volume, when that is empty: owners, modes, attributes, hard links.

import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { copyEntries } from '../build/copy-plan.ts'
import { toBytes } from '../build/file-tree.ts'
import { DockError, messageOf } from '../error.ts'
import { apply, type FilesOptions, remove, walk } from '../host/files.ts'
import { decodeEntries, type Entry, encodeEnd, encodeEntry } from '../layers/frame.ts'
import { makeScratch } from '../layers/unpacked.ts'
import type { Volumes } from './volumes.ts'

export interface ImageTree {
  /** Directories for overlay, the highest first. */
  readonly lower: readonly string[]
  /** A directory for what is mounted meanwhile. */
  readonly scratch: string
  readonly files: FilesOptions
}

/** What the image has at a path; undefined: nothing. */
async function entriesAt(target: string, path: string, files: FilesOptions): Promise<readonly Entry[] | undefined> {
  try {
    return decodeEntries(await walk(target, path, { ...files, follow: true }))
  } catch (e: unknown) {
    if (/\((ENOENT|ENOTDIR)\)/.test(messageOf(e))) return undefined
    throw e
  }
}

/** Whether nothing has been put there, or somebody who was putting things there was killed. */
async function isUnfilled(data: string, mark: string): Promise<boolean> {
  if ((await readdir(data)).length === 0) return true
  return stat(mark).then(
    () => true,
    () => false,
  )
}

/**
 * Fills a volume. destination: its mount point in the image. Errors: DockError; the volume is filled anew the next time.
 */
export async function populate(
  volumes: Volumes,
  name: string,
  destination: string,
  { lower, scratch, files }: ImageTree,
): Promise<void> {
  const data = volumes.path(name, '_data')
  const mark = volumes.path(name, 'filling')
  const held = await volumes.lock(name)
  try {
    if (!(await isUnfilled(data, mark))) return
    const target = await makeScratch(scratch)
    const second = await makeScratch(scratch)
    try {
      // Two at least, as overlay takes no single layer without an upper one.
      const overlays = [{ target, lower: [...lower, second] }]
      const path = destination.slice(1)
      const found = await entriesAt(target, path, { ...files, overlays })
      if (found === undefined) return
      if (found[0]?.type !== 'directory') {
        throw new DockError(`cannot mount volume over existing file, file exists ${destination}`, { exitCode: 125 })
      }
      await writeFile(mark, '')
      const plan = found.map((entry) => ({
        path: entry.path === '' ? toBytes(path) : `${toBytes(path)}/${entry.path}`,
        target: entry.path,
        entry,
      }))
      const entries = copyEntries(plan, { owner: undefined, mode: undefined, seconds: undefined, keepTop: true })
      await apply(
        data,
        async (write) => {
          for (const entry of entries) {
            const waiting = write(encodeEntry(entry))
            if (waiting !== undefined) await waiting
          }
          await write(encodeEnd())
        },
        { ...files, source: target, overlays },
      )
      await rm(mark, { force: true })
    } finally {
      await Promise.all([remove(target), remove(second)])
    }
  } finally {
    await held.release()
  }
}
