// SPDX-License-Identifier: Apache-2.0
// The init layer: what the runtime mounts things on. It lies between the image and what a container writes, so that these
// places are neither missing nor ever part of what is committed.

import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { apply, remove } from '../host/files.ts'
import { type Entry, encodeEnd, encodeEntry } from '../layers/frame.ts'
import { makeScratch } from '../layers/unpacked.ts'

const places: readonly Entry[] = [
  ...['dev', 'proc', 'sys', 'etc'].map((path): Entry => ({ type: 'directory', path, mode: 0o755 })),
  ...['etc/hosts', 'etc/hostname', 'etc/resolv.conf'].map(
    (path): Entry => ({ type: 'file', path, mode: 0o644, size: 0 }),
  ),
  { type: 'symlink', path: 'etc/mtab', link: '/proc/mounts' },
]

export interface MountPoint {
  readonly path: string
  readonly kind: 'directory' | 'file'
}

/** Entries for mount points, as far as they are missing. */
function entriesOf(points: readonly MountPoint[]): readonly Entry[] {
  return points.map(({ path, kind }) => ({
    type: kind,
    path: path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/'),
    mode: kind === 'directory' ? 0o755 : 0o644,
    size: 0,
  }))
}

/** Makes a layer above others in an empty directory. */
export async function makePlaces(
  directory: string,
  lower: readonly string[],
  entries: readonly Entry[],
  unprivileged: boolean,
): Promise<void> {
  const [diff, work, merged] = ['diff', 'work', 'merged'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([mkdir(diff, { mode: 0o755 }), mkdir(work), mkdir(merged)])
  await apply(
    merged,
    async (write) => {
      for (const entry of entries) await write(encodeEntry({ ...entry, uid: 0, gid: 0, ifAbsent: true }))
      await write(encodeEnd())
    },
    { merge: true, unprivileged, overlays: [{ target: merged, upper: { directory: diff, work }, lower }] },
  )
  await Promise.all([remove(work), remove(merged)])
}

/** The init layer for a stack of layers (the highest first), kept beside its highest one. */
export async function initLayer(lower: readonly string[], unprivileged: boolean): Promise<string> {
  const top = dirname(lower[0] ?? '')
  const target = join(top, 'init')
  const there = await stat(target).catch(() => undefined)
  if (there !== undefined) return join(target, 'diff')
  const scratch = await makeScratch(top)
  try {
    await makePlaces(scratch, lower, places, unprivileged)
    await rename(scratch, target)
  } catch (e: unknown) {
    await rm(scratch, { recursive: true, force: true })
    if ((e as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw e
  }
  return join(target, 'diff')
}

/** A layer with mount points for one run alone, in an empty directory. Returns what overlay takes. */
export async function mountPointLayer(
  directory: string,
  lower: readonly string[],
  points: readonly MountPoint[],
  unprivileged: boolean,
): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await makePlaces(directory, lower, entriesOf(points), unprivileged)
  return join(directory, 'diff')
}
