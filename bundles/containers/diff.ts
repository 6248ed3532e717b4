// SPDX-License-Identifier: Apache-2.0
// What a container changed in its files: its upper directory beside the layers below it.

import { readFile } from 'node:fs/promises'
import type { Spec } from '../../spec/runtime/config.ts'
import { fromBytes, toBytes } from '../build/file-tree.ts'
import { lookup, remove, walk } from '../host/files.ts'
import { decodeEntries, type Entry } from '../layers/frame.ts'
import { makeScratch } from '../layers/unpacked.ts'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { upperOf } from './container-tree.ts'
import { inContainer } from './copy-paths.ts'
import type { ContainerRecord } from './record.ts'

export interface FileChange {
  readonly kind: 'A' | 'C' | 'D'
  /** Absolute, in the container. */
  readonly path: string
}

const same = (a: Entry, b: Entry): boolean =>
  a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.seconds === b.seconds && a.nanoseconds === b.nanoseconds

function* ancestorsOf(path: string): Generator<string, void, undefined> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) yield path.slice(0, at)
}

/** Kinds of change by path. upper: of the layer, with its marks; below: what the layers below have at each path. Pure. */
export function changesOf(
  upper: readonly Entry[],
  below: ReadonlyMap<string, Entry>,
  hidden: readonly string[],
): ReadonlyMap<string, FileChange['kind']> {
  const changes = new Map<string, FileChange['kind']>()
  for (const entry of upper) {
    const { path } = entry
    if (path === '' || entry.type === 'opaque') continue
    const old = below.get(path)
    if (entry.type === 'whiteout') {
      if (old !== undefined) changes.set(path, 'D')
    } else if (old === undefined) changes.set(path, 'A')
    else if (entry.type !== 'directory' || old.type !== 'directory' || !same(entry, old)) changes.set(path, 'C')
  }
  // What the runtime mounted on is no change of the container's, and neither are directories that it made for that alone.
  const places = new Set(hidden)
  for (const place of places) changes.delete(place)
  for (const place of places) {
    for (const above of ancestorsOf(place)) {
      if (![...changes.keys()].some((path) => path.startsWith(`${above}/`))) changes.delete(above)
    }
  }
  const parents = new Set([...changes.keys()].flatMap((path) => [...ancestorsOf(path)]))
  for (const above of parents) if (!changes.has(above)) changes.set(above, 'C')
  return changes
}

/** Names that a directory which replaces another one no longer has. */
async function replacedNames(
  target: string,
  upper: readonly Entry[],
  options: Parameters<typeof walk>[2],
): Promise<readonly string[]> {
  const own = new Set(upper.map(({ path }) => path))
  const gone: string[] = []
  for (const { path, type } of upper) {
    if (type !== 'opaque' || path === '') continue
    const found = await walk(target, fromBytes(path), options).catch(() => undefined)
    if (found === undefined) continue
    for (const entry of decodeEntries(found)) {
      const whole = `${path}/${entry.path}`
      if (entry.path !== '' && !entry.path.includes('/') && !own.has(whole)) gone.push(whole)
    }
  }
  return gone
}

/** Where the runtime mounted something, the last time. */
async function mountPlaces(storage: Storage, { id, mounts }: ContainerRecord): Promise<readonly string[]> {
  const text = await readFile(storage.containers.path(id, 'config.json'), 'utf8').catch(() => '{}')
  const { mounts: all = [] } = JSON.parse(text) as Pick<Spec, 'mounts'>
  return [...mounts.map(({ Destination }) => Destination), ...all.map(({ destination }) => destination)]
}

/** In the order of their paths. Errors: DockError. */
export async function containerDiff(storage: Storage, { record }: Container): Promise<readonly FileChange[]> {
  const upper = decodeEntries(await walk(upperOf(storage, record.id).directory, '', { layer: true }))
  const target = await makeScratch(storage.stores.scratch)
  const second = await makeScratch(storage.stores.scratch)
  try {
    const options = { ...storage.stores.files, overlays: [{ target, lower: [...record.lower, second] }] }
    const paths = [...new Set(upper.map(({ path }) => path))].filter((path) => path !== '')
    const found = decodeEntries(await lookup(target, paths, options)).filter(({ type }) => type !== 'whiteout')
    const below = new Map(found.map((entry) => [entry.path, entry]))
    const hidden = (await mountPlaces(storage, record)).map((path) => toBytes(inContainer(path)))
    const changes = new Map(changesOf(upper, below, hidden))
    for (const path of await replacedNames(target, upper, options)) changes.set(path, 'D')
    return [...changes]
      .map(([path, kind]): FileChange => ({ kind, path: `/${fromBytes(path)}` }))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
  } finally {
    await Promise.all([remove(target), remove(second)])
  }
}
