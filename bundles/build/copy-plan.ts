// SPDX-License-Identifier: Apache-2.0
// Which files COPY and ADD put where. Pure, but for the listing that is handed in.

import { DockError } from '../error.ts'
import { applyModeChange, type ModeChange } from '../dockerfile/file-mode.ts'
import { cleanPath, parseGlob } from '../dockerfile/go-path.ts'
import { compilePathPatterns } from '../dockerfile/path-patterns.ts'
import type { Entry } from '../layers/frame.ts'
import { type FileTree, fromBytes, type ListedFile, toBytes } from './file-tree.ts'

export interface CopyRequest {
  /** Patterns, as written. */
  readonly sources: readonly string[]
  readonly destination: string
  /** The destination is a directory already, or several things go there, or it says so itself. */
  readonly intoDirectory: boolean
  readonly parents: boolean
  readonly exclude: readonly string[]
}

/** Path in the image, without slashes around. */
export const inImage = (path: string): string => cleanPath(`/${path}`).slice(1)

const joinPath = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('/')

interface Found {
  /** From the top of the tree, as text. */
  readonly path: string
  readonly entries: readonly Entry[]
}

/** What a source stands for: itself, or all that its wildcards match. */
async function find(tree: FileTree, source: string): Promise<readonly Found[]> {
  const glob = parseGlob(source)
  if (!glob.wild) return [{ path: glob.base, entries: await tree.list(glob.base) }]
  const all = await tree.list(glob.base)
  const matches: Found[] = []
  for (const entry of all) {
    const path = joinPath(glob.base, fromBytes(entry.path))
    if (entry.path === '' || !glob.matches(path)) continue
    const below = `${entry.path}/`
    const entries = all
      .filter((one) => one.path === entry.path || one.path.startsWith(below))
      .map((one) => ({ ...one, path: one.path === entry.path ? '' : one.path.slice(below.length) }))
    matches.push({ path, entries: entry.type === 'symlink' ? await tree.list(path) : entries })
  }
  if (matches.length === 0) throw new DockError(`no file of ${tree.label} matches "${source}"`)
  return matches
}

/** With --parents, the directories that are kept are those after `/./`. */
function keptParents(source: string, path: string): string {
  const pivot = source.indexOf('/./')
  const directory = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  if (pivot < 0) return directory
  const before = cleanPath(`/${source.slice(0, pivot)}`).slice(1)
  return directory === before ? '' : directory.startsWith(`${before}/`) ? directory.slice(before.length + 1) : directory
}

/** The files of a COPY, in the order in which they are made. Errors: DockError when a source is not there. */
export async function planCopy(tree: FileTree, request: CopyRequest): Promise<readonly ListedFile[]> {
  const destination = inImage(request.destination)
  const excluded = request.exclude.length === 0 ? undefined : compilePathPatterns(request.exclude)
  const plan: ListedFile[] = []
  for (const source of request.sources) {
    for (const { path, entries } of await find(tree, source)) {
      const [top] = entries
      if (top === undefined) continue
      const name = path.slice(path.lastIndexOf('/') + 1)
      const parents = request.parents ? keptParents(source, path) : ''
      const isDirectory = top.type === 'directory'
      // A directory stands for what is in it, a file for itself.
      const base = request.parents
        ? joinPath(destination, parents, name)
        : isDirectory || !request.intoDirectory
          ? destination
          : joinPath(destination, name)
      for (const entry of entries) {
        const relative = fromBytes(entry.path)
        if (excluded?.matches(isDirectory ? relative || '.' : name) && (entry.path !== '' || !isDirectory)) continue
        plan.push({
          path: joinPath(toBytes(path), entry.path),
          target: joinPath(toBytes(base), entry.path),
          entry,
        })
      }
    }
  }
  return plan
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export const rootOwner: Owner = { uid: 0, gid: 0 }

export interface CopyAttributes {
  /** Undefined: as they are in the source. */
  readonly owner: Owner | undefined
  readonly mode: ModeChange | undefined
  /** Seconds that all get; undefined: their own. */
  readonly seconds: number | undefined
  /** The tops of directories are made as they are in the source, too. */
  readonly keepTop?: boolean
}

/** What tsdock-files is told to make. Names of one file in the source become names of one file again. */
export function copyEntries(plan: readonly ListedFile[], attributes: CopyAttributes): readonly Entry[] {
  const firstNames = new Map<bigint, string>()
  return plan.flatMap(({ path, target, entry }): readonly Entry[] => {
    if (entry.type === 'socket' || entry.type === 'whiteout') return []
    const common = {
      path: target,
      uid: attributes.owner?.uid ?? entry.uid ?? 0,
      gid: attributes.owner?.gid ?? entry.gid ?? 0,
      seconds: attributes.seconds ?? entry.seconds ?? 0,
      nanoseconds: attributes.seconds === undefined ? (entry.nanoseconds ?? 0) : 0,
      mode:
        attributes.mode === undefined
          ? (entry.mode ?? 0)
          : applyModeChange(attributes.mode, entry.mode ?? 0, entry.type === 'directory'),
      ...(entry.xattrs === undefined ? {} : { xattrs: entry.xattrs }),
    }
    // A directory stands for what is in it: the destination is made as any that is missing, and not as the source is.
    if (entry.type === 'directory' && entry.path === '' && attributes.keepTop !== true) {
      const { uid, gid } = attributes.owner ?? rootOwner
      return [
        { type: 'directory', path: target, uid, gid, mode: 0o755, seconds: attributes.seconds ?? entry.seconds ?? 0 },
      ]
    }
    if (entry.type === 'file') {
      const inode = entry.inode ?? 0n
      const first = inode === 0n ? undefined : firstNames.get(inode)
      if (first !== undefined) return [{ ...common, type: 'hardLink', link: first }]
      if (inode !== 0n) firstNames.set(inode, target)
      return [{ ...common, type: 'copy', link: path, follow: entry.path === '' }]
    }
    return [{ ...common, type: entry.type, link: entry.link ?? '', major: entry.major ?? 0, minor: entry.minor ?? 0 }]
  })
}
