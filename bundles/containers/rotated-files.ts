// SPDX-License-Identifier: Apache-2.0
// A file of lines that gets the name `x.1` when it is full, then `x.2`, and so on, while others write and read it.

import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Names change while they are looked at; after so many times it is taken as it is. */
const TRIES = 20
const CHUNK = 1 << 16
/** No writer makes longer lines. */
const LINE_LIMIT = 1 << 22
const NEWLINE = 10

export interface Part {
  readonly file: FileHandle
  readonly inode: number
  /** When it was opened. */
  readonly size: number
}

export const closeParts = async (parts: readonly Part[]): Promise<void> => {
  for (const { file } of parts) await file.close()
}

/** Its names, the oldest part first, with the inodes that they stand for. */
async function namesOf(path: string): Promise<ReadonlyMap<string, number>> {
  const base = basename(path)
  const all = await readdir(dirname(path)).catch(() => [] as string[])
  const numbered = all.flatMap((name) => {
    if (name === base) return [{ name, number: 0 }]
    const number = name.startsWith(`${base}.`) ? name.slice(base.length + 1) : ''
    return /^[1-9]\d{0,8}$/.test(number) ? [{ name, number: Number(number) }] : []
  })
  const found = new Map<string, number>()
  for (const { name } of numbered.sort((a, b) => b.number - a.number)) {
    const status = await stat(join(dirname(path), name)).catch(() => undefined)
    if (status?.isFile() === true) found.set(name, status.ino)
  }
  return found
}

const same = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean =>
  a.size === b.size && [...a].every(([name, inode]) => b.get(name) === inode)

async function openPart(path: string): Promise<Part | undefined> {
  const file = await open(path, 'r').catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return undefined
    throw e
  })
  if (file === undefined) return undefined
  const { ino, size } = await file.stat()
  return { file, inode: ino, size }
}

/** All parts, the oldest first; each once, and none is missed though they are renamed meanwhile. */
export async function openParts(path: string): Promise<readonly Part[]> {
  for (let left = TRIES; ; left--) {
    const names = await namesOf(path)
    const parts: Part[] = []
    for (const name of names.keys()) {
      const part = await openPart(join(dirname(path), name))
      if (part === undefined) continue
      if (parts.some(({ inode }) => inode === part.inode)) await part.file.close()
      else parts.push(part)
    }
    const opened = parts.map(({ inode }) => inode)
    const isWhole = [...names.values()].every((inode, i) => opened[i] === inode)
    if (left <= 0 || (isWhole && same(names, await namesOf(path)))) return parts
    await closeParts(parts)
  }
}

/** Parts that are newer than one that is open, the oldest first. undefined: all. */
export async function openNewer(path: string, inode: number | undefined): Promise<readonly Part[]> {
  const status = await stat(path).catch(() => undefined)
  if (status !== undefined && status.ino === inode) return []
  const parts = await openParts(path)
  // One that has no name any more is older than all that have.
  const at = parts.findIndex((part) => part.inode === inode)
  await closeParts(parts.slice(0, at + 1))
  return parts.slice(at + 1)
}

/** Where the last lines of a part begin, and how many there are: its end is read, not all of it. */
export async function tailOf({ file, size }: Part, lines: number): Promise<{ offset: number; found: number }> {
  if (lines <= 0) return { offset: size, found: 0 }
  const buffer = Buffer.alloc(CHUNK)
  let found = 0
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK)
    const { bytesRead } = await file.read(buffer, 0, end - start, start)
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline at the very end closes the last line.
      if (buffer[i] !== NEWLINE || start + i === size - 1) continue
      found++
      if (found === lines) return { offset: start + i + 1, found }
    }
    end = start
  }
  return { offset: 0, found: size > 0 ? found + 1 : 0 }
}

/** Reads whole lines of a part that may grow. */
export class LineReader {
  readonly part: Part
  #at: number
  readonly #end: number
  #rest: Buffer = Buffer.alloc(0)
  readonly #buffer = Buffer.alloc(CHUNK)

  /** end: nothing behind it is read. */
  constructor(part: Part, offset: number, end = Number.POSITIVE_INFINITY) {
    this.part = part
    this.#at = offset
    this.#end = end
  }

  /** Something is there that has no newline. */
  get hasRest(): boolean {
    return this.#rest.length > 0
  }

  /** Some lines; undefined: there are no more for now. What is too long for a line is cut off. */
  async read(): Promise<readonly string[] | undefined> {
    const length = Math.min(CHUNK, this.#end - this.#at)
    if (length <= 0) return undefined
    const { bytesRead } = await this.part.file.read(this.#buffer, 0, length, this.#at)
    if (bytesRead === 0) return undefined
    this.#at += bytesRead
    const news = this.#buffer.subarray(0, bytesRead)
    const last = news.lastIndexOf(NEWLINE)
    if (last < 0) {
      // What goes on for so long is none of our lines: no more is kept of it than it takes to say so.
      if (this.#rest.length <= LINE_LIMIT) this.#rest = Buffer.concat([this.#rest, news])
      return []
    }
    const whole = Buffer.concat([this.#rest, news.subarray(0, last)])
    this.#rest = Buffer.from(news.subarray(last + 1))
    return whole.toString().split('\n')
  }
}

/**
 * JSON of a line. One that was cut off (a full disk, a writer that was killed) has the next one behind it: that begins with
 * `start`, which no text inside of a line can have, since quotes in texts are escaped.
 */
export function parseJsonLine(line: string, start: string): { readonly value: unknown; readonly isWhole: boolean } {
  for (let text = line, isWhole = true; ; isWhole = false) {
    try {
      return { value: JSON.parse(text), isWhole }
    } catch {
      const next = text.lastIndexOf(start)
      if (next <= 0) return { value: undefined, isWhole: false }
      text = text.slice(next)
    }
  }
}
