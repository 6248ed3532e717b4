// SPDX-License-Identifier: Apache-2.0
// `cp`: files between this host and a container. All names in the container are resolved in its root by tsdock-files, also while
// the container exchanges them.

import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { copyEntries } from '../build/copy-plan.ts'
import { fromBytes, toBytes } from '../build/file-tree.ts'
import { baseName } from '../dockerfile/go-path.ts'
import { DockError, messageOf } from '../error.ts'
import { apply, pack, walk } from '../host/files.ts'
import { cleanPath, FrameMaker, memberEntry, sendFrames } from '../layers/apply.ts'
import { decompress } from '../layers/compress.ts'
import { decodeEntries, type Entry, encodeEnd, encodeEntry } from '../layers/frame.ts'
import type { TarHeader } from '../layers/tar-read.ts'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { type ContainerTree, openContainerTree } from './container-tree.ts'
import {
  type CopyEnd,
  inContainer,
  type Kind,
  parentOf,
  planTarget,
  saysDirectory,
  meansContents,
} from './copy-paths.ts'

export interface CopyOptions {
  /** Owners are those of the source. */
  readonly archive: boolean
  /** The source may be a link to what is meant. */
  readonly follow: boolean
}

/** Bytes that were copied, as a tar. */
type Copied = Promise<number>

const noLimits = { bytes: Number.MAX_SAFE_INTEGER / 2, entries: 2 ** 40 }
const isMissing = (e: unknown): boolean => /\((ENOENT|ENOTDIR)\)/.test(messageOf(e))

async function statIn(
  { directory, options }: ContainerTree,
  path: string,
  follow: boolean,
): Promise<Entry | undefined> {
  try {
    return decodeEntries(await walk(directory, path, { ...options, only: true, follow }))[0]
  } catch (e: unknown) {
    if (isMissing(e)) return undefined
    throw e
  }
}

const kindOf = (entry: Entry | undefined): Kind =>
  entry === undefined ? 'missing' : entry.type === 'directory' ? 'directory' : 'other'

const notFound = (path: string, { record }: Container): DockError =>
  new DockError(`Could not find the file ${path} in container ${record.name}`)

const tarSize = (size: number): number => 512 + Math.ceil(size / 512) * 512

/** What the kernel says about a file system that is read-only, with Docker's words. */
function explained(e: unknown, { record }: Container): unknown {
  if (!/\(EROFS\)/.test(messageOf(e))) return e
  const what = record.hostConfig.ReadonlyRootfs ? 'container rootfs' : 'mounted volume'
  return new DockError(`${what} is marked read-only`, { cause: e })
}

interface Source extends CopyEnd {
  readonly name: string
  /** In the container. */
  readonly clean: string
  readonly follow: boolean
}

async function sourceInContainer(
  tree: ContainerTree,
  container: Container,
  path: string,
  options: CopyOptions,
): Promise<Source> {
  const clean = inContainer(path)
  const follow = options.follow || saysDirectory(path)
  const entry = await statIn(tree, clean, follow)
  if (entry === undefined) throw notFound(path, container)
  const kind = kindOf(entry)
  if (saysDirectory(path) && kind !== 'directory') throw new DockError('not a directory')
  return { path, kind, clean, follow, name: clean === '' ? '' : baseName(clean) }
}

/** Writes a file or directory of a container as a tar. Errors: DockError. */
export async function copyToStream(
  storage: Storage,
  container: Container,
  path: string,
  output: (out: Readable) => Promise<void>,
  options: CopyOptions,
): Promise<void> {
  const tree = await openContainerTree(storage, container)
  try {
    const { clean, follow, name } = await sourceInContainer(tree, container, path, options)
    const as = name === '' || meansContents(path) ? '.' : name
    await pack(tree.directory, output, { ...tree.options, plain: true, at: { path: clean, as, follow } })
  } finally {
    await tree.release()
  }
}

/**
 * A destination on this host. A link there that leads to a directory is that directory; any other one is replaced, as an
 * earlier copy may have brought it from the container: what it leads to is never written.
 */
async function hostEnd(path: string): Promise<CopyEnd & { readonly real: string }> {
  const absolute = resolve(path)
  const leads = await stat(absolute).catch(() => undefined)
  if (leads?.isDirectory() === true) return { path, kind: 'directory', real: await realpath(absolute) }
  const parent = await realpath(dirname(absolute)).catch(() => {
    throw new DockError(`invalid output path: directory "${dirname(absolute)}" does not exist`)
  })
  const there = await lstat(absolute).catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return undefined
    throw new DockError(`invalid output path: lstat ${absolute}: ${e.code}`)
  })
  return { path, kind: there === undefined ? 'missing' : 'other', real: join(parent, basename(absolute)) }
}

/** Takes the members of a tar for a directory of this host. */
function hostMember(header: TarHeader, archive: boolean): Entry {
  const { uid, gid, ...entry } = memberEntry(header, cleanPath(header.name))
  return archive ? { ...entry, ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) } : entry
}

/** Copies a file or directory of a container to this host. Errors: DockError, with Docker's words. */
export async function copyFromContainer(
  storage: Storage,
  container: Container,
  from: string,
  to: string,
  options: CopyOptions,
): Copied {
  const destination = await hostEnd(to)
  const tree = await openContainerTree(storage, container)
  try {
    const source = await sourceInContainer(tree, container, from, options)
    const target = planTarget(source, { ...destination, path: resolve(to) + (saysDirectory(to) ? '/' : '') })
    const directory = target.into === 'destination' ? destination.real : dirname(destination.real)
    const as = target.into === 'destination' ? target.name || '.' : basename(destination.real)
    let bytes = 1024
    const frames = new FrameMaker((header) => {
      bytes += tarSize(header.size)
      return hostMember(header, options.archive)
    }, noLimits)
    await pack(
      tree.directory,
      (out) =>
        apply(directory, (write) => sendFrames(out as AsyncIterable<Uint8Array>, frames, write, from), {
          merge: true,
          strict: true,
        }),
      { ...tree.options, plain: true, at: { path: source.clean, as, follow: source.follow } },
    )
    return bytes
  } finally {
    await tree.release()
  }
}

interface HostSource extends CopyEnd {
  readonly name: string
  readonly directory: string
  /** In that directory; '' : it itself. */
  readonly base: string
}

async function sourceOnHost(path: string, { follow }: CopyOptions): Promise<HostSource> {
  const absolute = resolve(path)
  const followed = follow || saysDirectory(path)
  const found = await (followed ? stat : lstat)(absolute).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`lstat ${absolute}: ${e.code === 'ENOENT' ? 'no such file or directory' : e.code}`)
  })
  if (saysDirectory(path) && !found.isDirectory()) throw new DockError('not a directory')
  const real = followed ? await realpath(absolute) : join(await realpath(dirname(absolute)), basename(absolute))
  return {
    path,
    kind: found.isDirectory() ? 'directory' : 'other',
    name: basename(absolute),
    directory: dirname(real),
    base: basename(real),
  }
}

const MAX_LINKS = 40

/** What a destination leads to, links followed: a path in the container, and what is there. */
async function destinationOf(
  tree: ContainerTree,
  container: Container,
  path: string,
): Promise<CopyEnd & { readonly clean: string }> {
  let clean = inContainer(path)
  for (let links = 0; links < MAX_LINKS; links++) {
    const entry = await statIn(tree, clean, false)
    if (entry?.type !== 'symlink') {
      const parent = entry === undefined ? await statIn(tree, parentOf(clean), true) : undefined
      if (entry === undefined && parent?.type !== 'directory') throw notFound(path, container)
      return { path, kind: kindOf(entry), clean }
    }
    const link = fromBytes(entry.link ?? '')
    clean = inContainer(link.startsWith('/') ? link : `${parentOf(clean)}/${link}`)
  }
  throw new DockError(`${path}: too many links (ELOOP)`)
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('/')

/** Copies a file or directory of this host to a container. Errors: DockError, with Docker's words. */
export async function copyToContainer(
  storage: Storage,
  container: Container,
  from: string,
  to: string,
  options: CopyOptions,
): Copied {
  const source = await sourceOnHost(from, options)
  const tree = await openContainerTree(storage, container)
  try {
    const destination = await destinationOf(tree, container, to)
    const { name, into } = planTarget(source, destination)
    const place = toBytes(into === 'destination' ? joined(destination.clean, name) : destination.clean)
    const found = decodeEntries(await walk(source.directory, source.base))
    const plan = found.map((entry) => ({
      path: joined(toBytes(source.base), entry.path),
      target: joined(place, entry.path),
      entry,
    }))
    const owner = options.archive ? undefined : { uid: 0, gid: 0 }
    const entries = copyEntries(plan, { owner, mode: undefined, seconds: undefined, keepTop: true })
    await apply(
      tree.directory,
      async (write) => {
        for (const entry of entries) {
          const waiting = write(encodeEntry(entry))
          if (waiting !== undefined) await waiting
        }
        await write(encodeEnd())
      },
      { ...tree.options, merge: true, strict: true, source: source.directory },
    ).catch((e: unknown) => {
      throw explained(e, container)
    })
    return found.reduce((sum, { size }) => sum + tarSize(size ?? 0), 1024)
  } finally {
    await tree.release()
  }
}

/** Unpacks a tar, compressed or not, in a directory of a container. Errors: DockError, with Docker's words. */
export async function copyStreamTo(
  storage: Storage,
  container: Container,
  tar: AsyncIterable<Uint8Array>,
  to: string,
): Promise<void> {
  const tree = await openContainerTree(storage, container)
  try {
    const { kind, clean } = await destinationOf(tree, container, to)
    if (kind === 'missing') throw notFound(to, container)
    if (kind !== 'directory') throw new DockError(`destination "${container.record.name}:${to}" must be a directory`)
    const place = (path: string): string => joined(toBytes(clean), path)
    const frames = new FrameMaker((header) => {
      const name = cleanPath(header.name)
      if (name === '') return undefined
      const entry = memberEntry(header, name)
      return { ...entry, path: place(name), ...(entry.type === 'hardLink' ? { link: place(entry.link ?? '') } : {}) }
    }, noLimits)
    await apply(tree.directory, (write) => sendFrames(decompress(tar), frames, write, 'the archive'), {
      ...tree.options,
      merge: true,
      strict: true,
    }).catch((e: unknown) => {
      throw explained(e, container)
    })
  } finally {
    await tree.release()
  }
}
