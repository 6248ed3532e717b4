// SPDX-License-Identifier: Apache-2.0
// The context of a build: a directory, an archive or a Dockerfile on standard input, a git repository, a URL.

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { parseDockerignore } from '../dockerfile/dockerignore.ts'
import type { PathPatterns } from '../dockerfile/path-patterns.ts'
import { parseRemoteSource } from '../dockerfile/remote-source.ts'
import { DockError } from '../error.ts'
import { read } from '../host/files.ts'
import { isArchive, unpackArchive } from './archive.ts'
import { ContextTree } from './file-tree.ts'
import { fetchGit, fetchUrl } from './remote-files.ts'
import type { Stores } from './snapshot.ts'

export interface ContextRequest {
  /** PATH, URL or `-`. */
  readonly where: string
  /** --file */
  readonly file: string | undefined
  readonly stdin: Readable
  /** An empty directory for what is fetched. */
  readonly scratch: string
  readonly stores: Stores
  /** Where digests of a directory's files are kept. */
  readonly digests: (directory: string) => string
}

export interface OpenContext {
  readonly tree: ContextTree
  readonly dockerfile: { readonly text: string; readonly file: string }
}

const optional = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

async function everything(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

/** `<name>.dockerignore` beside the Dockerfile, else the context's own. */
async function ignoreOf(context: string, dockerfile: string): Promise<PathPatterns | undefined> {
  for (const path of [`${dockerfile}.dockerignore`, join(context, '.dockerignore')]) {
    const text = await optional(path)
    if (text !== undefined) return parseDockerignore(text, { file: path })
  }
  return undefined
}

async function fromDirectory(
  directory: string,
  request: ContextRequest,
  label: string,
  keep: boolean,
): Promise<OpenContext> {
  const fromStdin = request.file === '-'
  const path =
    request.file === undefined || fromStdin
      ? join(directory, 'Dockerfile')
      : keep
        ? resolve(request.file)
        : join(directory, request.file)
  const text = fromStdin
    ? (await everything(request.stdin)).toString('utf8')
    : await readDockerfile(path, directory, keep)
  const tree = new ContextTree(directory, {
    label,
    ignore: await ignoreOf(directory, path),
    files: request.stores.files,
    digestFile: keep ? request.digests(directory) : undefined,
  })
  return {
    tree,
    dockerfile: {
      text,
      file: fromStdin
        ? 'Dockerfile on standard input'
        : keep && request.file !== undefined
          ? request.file
          : basename(path),
    },
  }
}

async function readDockerfile(path: string, directory: string, own: boolean): Promise<string> {
  // In what was fetched, a Dockerfile may be a link to anywhere.
  if (!own) return (await read(directory, path.slice(directory.length + 1), { limit: 16 << 20 })).toString('utf8')
  return readFile(path, 'utf8').catch((e: NodeJS.ErrnoException) => {
    const hint = path === join(directory, 'Dockerfile') ? ' (name another one with --file)' : ''
    throw new DockError(
      `failed to read the Dockerfile: open ${path}: ${e.code === 'ENOENT' ? 'no such file or directory' : e.code}${hint}`,
    )
  })
}

async function fromArchive(bytes: string, request: ContextRequest, label: string): Promise<OpenContext> {
  const directory = join(request.scratch, 'context')
  await mkdir(directory, { recursive: true })
  await unpackArchive(bytes, directory, '', undefined, request.stores.files)
  return fromDirectory(directory, request, label, false)
}

/** Standard input: an archive, or a Dockerfile for an empty context. */
async function fromStdin(request: ContextRequest): Promise<OpenContext> {
  const path = join(request.scratch, 'stdin')
  await writeFile(path, await everything(request.stdin))
  if (await isArchive(path)) return fromArchive(path, request, 'the context on standard input')
  return onlyDockerfile(await readFile(path, 'utf8'), request, 'Dockerfile on standard input')
}

async function onlyDockerfile(text: string, request: ContextRequest, file: string): Promise<OpenContext> {
  const directory = join(request.scratch, 'empty')
  await mkdir(directory, { recursive: true })
  const tree = new ContextTree(directory, { label: 'the empty context', files: request.stores.files })
  return { tree, dockerfile: { text, file } }
}

/** Opens what is meant. Errors: DockError, DockerfileError (for an ignore file). */
export async function openContext(request: ContextRequest): Promise<OpenContext> {
  if (request.where === '-') return fromStdin(request)
  const local = await stat(request.where).catch(() => undefined)
  if (local?.isDirectory() === true) return fromDirectory(resolve(request.where), request, 'the context', true)
  const remote = local === undefined ? parseRemoteSource(request.where) : undefined
  if (remote?.kind === 'git') {
    const directory = join(request.scratch, 'git')
    await fetchGit(remote, directory, false)
    return fromDirectory(join(directory, remote.subdir ?? ''), request, remote.remote, false)
  }
  if (remote?.kind === 'url') {
    const path = join(request.scratch, 'download')
    await fetchUrl(remote, path, undefined)
    if (await isArchive(path)) return fromArchive(path, request, remote.url)
    return onlyDockerfile(await readFile(path, 'utf8'), request, remote.url)
  }
  throw new DockError(
    `the context ${JSON.stringify(request.where)}: ${local === undefined ? 'no such directory' : 'it is no directory'} (in ${dirname(resolve(request.where))})`,
  )
}
