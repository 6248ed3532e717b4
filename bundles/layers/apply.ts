// SPDX-License-Identifier: Apache-2.0
// A layer's blob becomes a directory that overlay takes as a lower one.

import { createHash, type Hash } from 'node:crypto'
import { DockError, messageOf } from '../error.ts'
import { type ApplyOptions, apply as applyFrames, type Sink } from '../host/files.ts'
import { decompress } from './compress.ts'
import { type Entry, encodeEnd, encodeEntry, encodeHole, encodePiece } from './frame.ts'
import { type TarHeader, TarReader } from './tar-read.ts'

/** What a layer may hold at most: beyond it, it is taken for a bomb. */
export interface Limits {
  readonly bytes: number
  readonly entries: number
}

export const defaultLimits: Limits = { bytes: 64 * 2 ** 30, entries: 4_000_000 }

export interface Applied {
  /** `sha256:...` of the uncompressed tar. */
  readonly diffId: string
  readonly bytes: number
  readonly entries: number
}

/** A name in a tar as a path of an entry. Errors: it climbs. */
export function cleanPath(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new DockError(`layer: the entry ${JSON.stringify(name)} has ".." in its path`)
  return parts.join('/')
}

const entryTypes: Readonly<Record<string, Entry['type']>> = {
  '0': 'file',
  '1': 'hardLink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

/** The entry that a header of a layer stands for; undefined: nothing (marks of aufs). Errors: DockError. */
export function layerEntry(header: TarHeader): Entry | undefined {
  const path = cleanPath(header.name)
  const at = path.lastIndexOf('/') + 1
  const [directory, base] = [path.slice(0, Math.max(at - 1, 0)), path.slice(at)]
  const above = directory.split('/')
  if (above.some((part) => part.startsWith('.wh..wh.'))) return undefined
  if (above.some((part) => part.startsWith('.wh.')))
    throw new DockError(`layer: ${JSON.stringify(path)} lies in a whiteout`)
  if (base === '.wh..wh..opq') return { type: 'opaque', path: directory }
  if (base.startsWith('.wh..wh.')) return undefined
  if (base.startsWith('.wh.')) {
    const hidden = base.slice(4)
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw new DockError(`layer: the whiteout ${JSON.stringify(path)}`)
    return { type: 'whiteout', path: directory === '' ? hidden : `${directory}/${hidden}` }
  }
  return memberEntry(header, path)
}

/** The entry that a header of any archive stands for, at a path. Errors: DockError. */
export function memberEntry(header: TarHeader, path: string): Entry {
  const type = entryTypes[header.type]
  if (type === undefined) throw new DockError(`${path} is of the unknown type "${header.type}"`)
  return {
    type,
    path,
    link: type === 'hardLink' ? cleanPath(header.link) : header.link,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    seconds: header.time,
    nanoseconds: header.nanoseconds,
    major: header.major,
    minor: header.minor,
    size: header.size,
    xattrs: header.xattrs,
  }
}

/** Turns pushed bytes of a tar into frames. */
export class FrameMaker {
  #frames: Uint8Array[] = []
  #skipping = false
  #pieces = false
  #read = 0
  entries = 0
  bytes = 0
  readonly #reader: TarReader
  readonly #most: number

  constructor(toEntry: (header: TarHeader) => Entry | undefined, limits: Limits) {
    // Headers are bytes as well, though they make no files.
    this.#most = limits.bytes + limits.entries * 2048
    this.#reader = new TarReader({
      header: (header) => {
        const entry = toEntry(header)
        this.entries++
        this.bytes += header.size
        if (this.entries > limits.entries) throw new DockError(`layer: more than ${limits.entries} entries`)
        if (this.bytes > limits.bytes) throw new DockError(`layer: more than ${limits.bytes} bytes`)
        this.#skipping = entry?.type !== 'file'
        this.#pieces = header.sparse
        if (entry !== undefined) this.#frames.push(encodeEntry(header.sparse ? { ...entry, pieces: true } : entry))
      },
      data: (chunk) => {
        if (this.#skipping) return
        if (this.#pieces) this.#frames.push(encodePiece(chunk.length))
        this.#frames.push(chunk)
      },
      hole: (length) => {
        if (!this.#skipping) this.#frames.push(encodeHole(length))
      },
    })
  }

  push(chunk: Uint8Array): void {
    this.#read += chunk.length
    if (this.#read > this.#most) throw new DockError(`layer: more than ${this.#most} bytes of headers and contents`)
    this.#reader.push(chunk)
  }

  finish(): void {
    this.#reader.finish()
    this.#frames.push(encodeEnd())
  }

  /** What has been made since the last call. */
  take(): Uint8Array {
    const frames = this.#frames
    this.#frames = []
    return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames)
  }
}

/** Sends the frames of a tar on as its bytes come. label: what to call it when it is damaged. Errors: DockError. */
export async function sendFrames(
  tar: AsyncIterable<Uint8Array>,
  frames: FrameMaker,
  write: Sink,
  label: string,
): Promise<void> {
  try {
    for await (const chunk of tar) {
      frames.push(chunk)
      const waiting = write(frames.take())
      if (waiting !== undefined) await waiting
    }
    frames.finish()
    await write(frames.take())
  } catch (e: unknown) {
    throw e instanceof DockError ? e : new DockError(`${label}: ${messageOf(e)}`, { cause: e })
  }
}

async function* hashed(tar: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of tar) {
    hash.update(chunk)
    yield chunk
  }
}

/**
 * Unpacks a layer into an empty directory, or with `flat` into that of the layers below. Errors: DockError; what was made stays,
 * and is the caller's to remove.
 */
export async function applyLayer(
  directory: string,
  blob: AsyncIterable<Uint8Array>,
  options: Omit<ApplyOptions, 'source' | 'merge' | 'strict'> & { readonly limits?: Limits | undefined } = {},
): Promise<Applied> {
  const hash = createHash('sha256')
  const frames = new FrameMaker(layerEntry, options.limits ?? defaultLimits)
  const tar = hashed(decompress(blob), hash)
  await applyFrames(directory, (write) => sendFrames(tar, frames, write, 'layer'), options)
  return { diffId: `sha256:${hash.digest('hex')}`, bytes: frames.bytes, entries: frames.entries }
}
