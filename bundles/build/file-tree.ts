// SPDX-License-Identifier: Apache-2.0
// What COPY, ADD and mounts take files from: a context, or the file system of a stage or an image.

import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DockError, messageOf } from '../error.ts'
import { inParallel } from '../host/parallel.ts'
import { type FilesOptions, type OverlayMount, walk } from '../host/files.ts'
import type { PathPatterns } from '../dockerfile/path-patterns.ts'
import { decodeEntries, type Entry } from '../layers/frame.ts'
import type { InputFile } from './cache.ts'

/** Text as the bytes that stand for it on disk, one character each; and back. */
export const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
export const fromBytes = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

export interface FileTree {
  /** For messages. */
  readonly label: string
  readonly root: string
  /** What has to be mounted for `root` to be there. */
  readonly overlays: readonly OverlayMount[]
  /** What is at a path and below it, without what is ignored; paths are relative to it. Errors: there is nothing. */
  list(path: string): Promise<readonly Entry[]>
  /** What the results of a step depend on when it takes these files. */
  inputs(files: readonly ListedFile[]): Promise<readonly InputFile[]>
}

export interface ListedFile {
  /** From the top of the tree; bytes. */
  readonly path: string
  /** Where it goes. */
  readonly target: string
  readonly entry: Entry
}

async function listTree(
  tree: Pick<FileTree, 'label' | 'root' | 'overlays'>,
  path: string,
  files: FilesOptions,
  skip: readonly string[] = [],
): Promise<readonly Entry[]> {
  try {
    return decodeEntries(await walk(tree.root, path, { ...files, overlays: tree.overlays, follow: true, skip }))
  } catch (e: unknown) {
    if (/\(ENOENT\)/.test(messageOf(e))) throw new DockError(`"/${path}": not found in ${tree.label}`)
    throw e
  }
}

const ownerOf = (entry: Entry): string => `${entry.uid}:${entry.gid}`

function contentOf(entry: Entry, digest: string): string {
  if (entry.type === 'file') return digest
  if (entry.type === 'symlink') return entry.link ?? ''
  return entry.type === 'char' || entry.type === 'block' ? `${entry.major}:${entry.minor}` : ''
}

/** The file system of an image. It never changes, so its name stands for all that is in it. */
export function imageTree(label: string, chain: string, overlay: OverlayMount, files: FilesOptions): FileTree {
  const tree = { label, root: overlay.target, overlays: [overlay] }
  return {
    ...tree,
    list: (path) => listTree(tree, path, files),
    inputs: async (found) => [
      { path: '', type: 'tree', mode: 0, owner: '', content: chain },
      ...found.map(({ target, entry }) => ({
        path: fromBytes(target),
        type: entry.type,
        mode: 0,
        owner: '',
        content: '',
      })),
    ],
  }
}

/** Size and times -> digest, from the last build: files that look untouched are not read again. */
type DigestCache = Map<string, readonly [stamp: string, digest: string]>

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(1 << 18)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

/** Paths that patterns exclude whatever else they say, so that a walk need not enter them. */
function alwaysExcluded(patterns: PathPatterns | undefined): readonly string[] {
  if (patterns === undefined || patterns.hasExceptions) return []
  return patterns.patterns
    .map(({ text }) => text)
    .filter((text) => !/[*?[\\]/.test(text) && text !== '.' && text !== '')
}

export interface ContextOptions {
  readonly label: string
  readonly ignore?: PathPatterns | undefined
  /** Where digests are kept from one build to the next. */
  readonly digestFile?: string | undefined
  readonly files: FilesOptions
}

/** A directory of the user's. Owners do not count in it: all that is taken from it belongs to root. */
export class ContextTree implements FileTree {
  readonly label: string
  readonly root: string
  readonly overlays: readonly OverlayMount[] = []
  readonly #options: ContextOptions
  #digests: Promise<DigestCache> | undefined
  #fresh: DigestCache = new Map()

  constructor(root: string, options: ContextOptions) {
    this.root = root
    this.label = options.label
    this.#options = options
  }

  async list(path: string): Promise<readonly Entry[]> {
    const { ignore, files } = this.#options
    const clean = path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/')
    const below = clean === '' ? '' : `${clean}/`
    const skip = alwaysExcluded(ignore).flatMap((one) => (one.startsWith(below) ? [one.slice(below.length)] : []))
    const all = await listTree(this, clean, files, skip)
    if (ignore === undefined) return all
    const kept = all.filter(
      (entry) =>
        !ignore.matches(fromBytes(`${toBytes(below)}${entry.path}`).replace(/\/$/, '') || '.') || entry.path === '',
    )
    if (kept[0]?.type !== 'directory' && clean !== '' && ignore.matches(clean)) {
      throw new DockError(`"/${path}": not found in ${this.label} (it is excluded by the ignore file)`)
    }
    // Directories that are excluded, but hold something that is not.
    const needed = new Set<string>()
    for (const { path: kept1 } of kept) {
      for (let at = kept1.lastIndexOf('/'); at > 0; at = kept1.lastIndexOf('/', at - 1)) needed.add(kept1.slice(0, at))
    }
    const chosen = new Set(kept)
    return all.filter((entry) => chosen.has(entry) || needed.has(entry.path))
  }

  async inputs(found: readonly ListedFile[]): Promise<readonly InputFile[]> {
    const cache = await this.#load()
    const digests = new Array<string>(found.length).fill('')
    await inParallel(8, found, async ({ path, entry }, i) => {
      if (entry.type !== 'file') return
      const stamp = `${entry.size}.${entry.seconds}.${entry.nanoseconds}`
      const known = cache.get(path)
      const absolute = Buffer.from(join(toBytes(this.root), path), 'latin1')
      const { ctimeMs } = await stat(absolute)
      const full = `${stamp}.${ctimeMs}`
      const digest =
        known !== undefined && known[0] === full ? known[1] : await digestFile(absolute as unknown as string)
      this.#fresh.set(path, [full, digest])
      digests[i] = digest
    })
    return found.map(({ target, entry }, i) => ({
      path: fromBytes(target),
      type: entry.type,
      mode: entry.mode ?? 0,
      owner: '',
      content: contentOf(entry, digests[i] ?? ''),
    }))
  }

  #load(): Promise<DigestCache> {
    this.#digests ??= (async () => {
      const file = this.#options.digestFile
      if (file === undefined) return new Map()
      try {
        return new Map(JSON.parse(await readFile(file, 'utf8')) as [string, [string, string]][])
      } catch {
        return new Map()
      }
    })()
    return this.#digests
  }

  /** Keeps digests for the next build. A file that was written within the last seconds could change unseen: it is left out. */
  async save(now: number): Promise<void> {
    const file = this.#options.digestFile
    if (file === undefined || this.#fresh.size === 0) return
    const settled = [...this.#fresh].filter(([, [stamp]]) => Number(stamp.split('.').slice(3).join('.')) < now - 2000)
    const merged = new Map([...((await this.#digests) ?? []), ...settled])
    await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
    await writeFile(`${file}.${process.pid}`, JSON.stringify([...merged]), { mode: 0o600 })
    await rename(`${file}.${process.pid}`, file)
  }
}

export { ownerOf }
