// SPDX-License-Identifier: Apache-2.0
// The program tsdock-files: all that touches trees of files which someone else may have written (csrc/files).

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { DockError, printable } from '../error.ts'
import { runInFront } from './in-front.ts'

/** An overlay, mounted in a mount namespace that goes with the command. Absolute paths. */
export interface OverlayMount {
  readonly target: string
  /** Undefined: read-only. */
  readonly upper?: { readonly directory: string; readonly work: string } | undefined
  /** The highest layer first; at least one. */
  readonly lower: readonly string[]
  /** Synced at the end as usual: what is in `upper` is kept. */
  readonly durable?: boolean
  /** Read-only once all is mounted in it. */
  readonly seal?: boolean
  readonly binds?: readonly BindMount[]
}

/** Something of the host that is mounted in an overlay. */
export interface BindMount {
  readonly source: string
  /** What of it; links in it stay in there. */
  readonly subpath?: string | undefined
  /** Where in the overlay: made when it is missing. */
  readonly at: string
  readonly readonly?: boolean
  /** Without what is mounted below the source. */
  readonly alone?: boolean
}

export interface FilesOptions {
  /** Mounted for the command alone, the first one first. */
  readonly overlays?: readonly OverlayMount[] | undefined
  readonly unprivileged?: boolean | undefined
  /** The directory `-` is the root of this process, as it sees it. */
  readonly process?: { readonly pid: number; readonly start: number } | undefined
}

/** Beside this program, in bin where that is installed in libexec/tsrun, or in the project's dist/bin when it runs from sources. */
export function findProgram(name: string): string {
  const beside = dirname(process.execPath)
  const places = [beside, join(beside, '../../bin'), join(import.meta.dirname, '../../dist/bin')]
  const found = places.map((place) => join(place, name)).find((path) => existsSync(path))
  if (found === undefined) throw new DockError(`the program ${name} is missing: it belongs to ${places.join(' or ')}`)
  return found
}

export function overlayArguments(overlay: OverlayMount): readonly string[] {
  const upper = overlay.upper
  return [
    `--target=${overlay.target}`,
    ...(upper === undefined ? [] : [`--upper=${upper.directory}`, `--work=${upper.work}`]),
    ...(overlay.durable === true ? ['--durable'] : []),
    ...(overlay.seal === true ? ['--seal'] : []),
    ...overlay.lower.map((layer) => `--lower=${layer}`),
    ...(overlay.binds ?? []).flatMap(bindArguments),
  ]
}

const bindArguments = ({ source, subpath, at, readonly, alone }: BindMount): readonly string[] => [
  `--bind=${source}`,
  ...(subpath === undefined || subpath === '' ? [] : [`--subpath=${subpath}`]),
  ...(readonly === true ? ['--readonly'] : []),
  ...(alone === true ? ['--alone'] : []),
  `--at=${at}`,
]

/** Writes with regard to how fast the reader reads. */
export type Sink = (chunk: Uint8Array) => Promise<void> | undefined

function sinkOf(stream: Writable): Sink {
  return (chunk) => {
    // Its reader has ended, and says why.
    if (stream.destroyed || stream.closed) throw new DockError('tsdock-files: it ended before its input did')
    if (stream.write(chunk)) return undefined
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off('drain', done).off('close', done)
        resolve()
      }
      stream.once('drain', done).once('close', done)
    })
  }
}

interface Call {
  readonly command: string
  readonly options?: readonly string[]
  readonly args: readonly string[]
  readonly input?: ((write: Sink) => Promise<void>) | undefined
  readonly output?: ((out: Readable) => Promise<void>) | undefined
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

async function feed(child: ChildProcess, input: Call['input']): Promise<void> {
  const stdin = child.stdin
  if (stdin === null || input === undefined) return
  // A reader that has gone says why on its stderr.
  stdin.on('error', () => undefined)
  try {
    await input(sinkOf(stdin))
    stdin.end()
  } catch (e: unknown) {
    child.kill('SIGKILL')
    throw e
  }
}

/** A writer whose reader has failed would wait forever. */
async function consume(child: ChildProcess, reading: Promise<void>): Promise<void> {
  try {
    await reading
  } catch (e: unknown) {
    child.kill('SIGKILL')
    throw e
  }
}

/** Errors: DockError with what the program says. */
async function call(options: FilesOptions, { command, options: flags = [], args, input, output }: Call): Promise<void> {
  const common = [
    ...(options.unprivileged === true ? ['--unprivileged'] : []),
    ...(options.overlays ?? []).flatMap(overlayArguments),
    ...(options.process === undefined ? [] : [`--process=${options.process.pid}:${options.process.start}`]),
  ]
  const child = spawn(findProgram('tsdock-files'), [command, ...common, ...flags, '--', ...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', output === undefined ? 'ignore' : 'pipe', 'pipe'],
  })
  // Read from the very start: what nobody reads when a program ends is lost in Bun.
  const stdout = child.stdout?.pipe(new PassThrough({ highWaterMark: 1 << 18 }))
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const said = child.stderr === null ? Promise.resolve(Buffer.alloc(0)) : collect(child.stderr)
  const results = await Promise.allSettled([
    feed(child, input),
    stdout === undefined || output === undefined ? undefined : consume(child, output(stdout)),
  ])
  const [code, signal] = await exited
  const message = printable((await said).toString()).trim()
  const failed = results.find((result) => result.status === 'rejected')
  if (code !== 0 && message !== '') throw new DockError(message)
  if (failed !== undefined) throw failed.reason
  if (code !== 0) throw new DockError(`tsdock-files ${command} ended with ${signal ?? `status ${code}`}`)
}

export interface ApplyOptions extends FilesOptions {
  /** Where copies come from. */
  readonly source?: string
  /** The directory is a container's: directories that are there stay as they are. */
  readonly merge?: boolean
  /** With merge: a directory never takes the place of something else. */
  readonly strict?: boolean
  /** Layers that it is to lie on, the highest first: directories without an entry are like theirs. */
  readonly below?: readonly string[]
  /** The directory holds the layers below already: whiteouts take away what those have. */
  readonly flat?: boolean
}

/** Makes the entries that `input` writes (frames, layers/frame.ts) in a directory. */
export function apply(
  directory: string,
  input: (write: Sink) => Promise<void>,
  options: ApplyOptions = {},
): Promise<void> {
  const flags = [
    ...(options.below ?? []).map((layer) => `--below=${layer}`),
    ...(options.source === undefined ? [] : [`--source=${options.source}`]),
    ...(options.merge === true ? ['--merge'] : []),
    ...(options.strict === true ? ['--strict'] : []),
    ...(options.flat === true ? ['--flat'] : []),
  ]
  return call(options, { command: 'apply', options: flags, args: [directory], input })
}

/**
 * The entries (frames) of what is at a path in a directory. follow: the last name too; only: nothing below it; layer: marks of
 * overlay become entries.
 */
export async function walk(
  directory: string,
  path: string,
  options: FilesOptions & {
    readonly follow?: boolean
    readonly only?: boolean
    readonly layer?: boolean
    readonly skip?: readonly string[]
  } = {},
): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  await call(options, {
    command: 'walk',
    options: [
      ...(options.follow === true ? ['--follow'] : []),
      ...(options.only === true ? ['--only'] : []),
      ...(options.layer === true ? ['--layer'] : []),
      ...(options.skip ?? []).map((path) => `--skip=${path}`),
    ],
    args: [directory, path],
    output: async (out) => {
      bytes = await collect(out)
    },
  })
  return bytes
}

/** What is at each of some paths (bytes) in a directory, as frames: a whiteout where there is nothing. */
export async function lookup(directory: string, paths: readonly string[], options: FilesOptions = {}): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  await call(options, {
    command: 'lookup',
    args: [directory],
    input: async (write) => write(Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1')),
    output: async (out) => {
      bytes = await collect(out)
    },
  })
  return bytes
}

/** Bytes of all files below a directory. */
export async function sizeOf(directory: string): Promise<number> {
  let text = ''
  const output = async (out: Readable): Promise<void> => {
    text = (await collect(out)).toString()
  }
  await call({}, { command: 'size', args: [directory], output })
  return Number(text)
}

/** Mounts something in this process's mount namespace, on a file or directory that is there. */
export function bind(mount: Omit<BindMount, 'at' | 'alone'>, target: string): Promise<void> {
  const flags = bindArguments({ ...mount, at: '' }).slice(0, -1)
  return call({}, { command: 'bind', options: flags, args: [target] })
}

/** Streams the contents of a regular file in a tree. limit: bytes; a larger one is an error. */
export function readTo(
  directory: string,
  path: string,
  output: (out: Readable) => Promise<void>,
  options: FilesOptions & { readonly limit?: number } = {},
): Promise<void> {
  const flags = options.limit === undefined ? [] : [`--limit=${options.limit}`]
  return call(options, { command: 'read', options: flags, args: [directory, path], output })
}

/** The contents of a small regular file in a tree. limit: bytes, 1 MiB by default; a larger one is an error. */
export async function read(
  directory: string,
  path: string,
  options: FilesOptions & { readonly limit?: number } = {},
): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  await readTo(
    directory,
    path,
    async (out) => {
      bytes = await collect(out)
    },
    { ...options, limit: options.limit ?? 1 << 20 },
  )
  return bytes
}

/**
 * Streams a directory as the tar of a layer, or plain: as it is. newest: seconds that no time in it exceeds. at: what of the
 * directory (a path), what its name is in the tar, and whether it is what a link at the path leads to.
 */
export function pack(
  directory: string,
  output: (out: Readable) => Promise<void>,
  options: FilesOptions & {
    readonly newest?: number | undefined
    readonly plain?: boolean
    readonly at?: { readonly path: string; readonly as: string; readonly follow: boolean }
  } = {},
): Promise<void> {
  const flags = [
    ...(options.newest === undefined ? [] : [`--newest=${options.newest}`]),
    ...(options.plain === true ? ['--plain'] : []),
    ...(options.at === undefined ? [] : [`--path=${options.at.path}`, `--as=${options.at.as}`]),
    ...(options.at?.follow === true ? ['--follow'] : []),
  ]
  return call(options, { command: 'pack', options: flags, args: [directory], output })
}

/** Runs a program beside overlays, with this process's stdio. Returns its exit status. Errors: DockError. */
export function runBeside(options: FilesOptions, command: readonly string[]): Promise<number> {
  const flags = [
    ...(options.unprivileged === true ? ['--unprivileged'] : []),
    ...(options.overlays ?? []).flatMap(overlayArguments),
  ]
  return runInFront(findProgram('tsdock-files'), ['run', ...flags, '--', ...command], true)
}

/** Removes a directory and all below it. */
export function remove(directory: string): Promise<void> {
  return call({}, { command: 'remove', args: [directory] })
}
