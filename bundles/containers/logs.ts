// SPDX-License-Identifier: Apache-2.0
// What a container has written, from docker's json-file logs: the monitor writes them (csrc/monitor/log.c).

import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LogLine {
  readonly log: string
  readonly stream: 'stdout' | 'stderr'
  /** RFC 3339 with nanoseconds. */
  readonly time: string
}

export interface LogOptions {
  /** Lines from the end; undefined: all. */
  readonly tail?: number | undefined
  /** Milliseconds since 1970. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Goes on until this says that nothing comes any more. */
  readonly follow?: (() => Promise<boolean>) | undefined
}

const CHUNK = 1 << 16
const POLL = 100
const NEWLINE = 10

function parseLine(text: string): LogLine | undefined {
  try {
    const line = JSON.parse(text) as LogLine
    return typeof line.log === 'string' && typeof line.time === 'string' ? line : undefined
  } catch {
    // Cut off, on a full disk.
    return undefined
  }
}

/** The files of a log, the oldest first. */
async function filesOf(path: string): Promise<readonly string[]> {
  const names = [path]
  for (let i = 1; ; i++) {
    const older = `${path}.${i}`
    if ((await stat(older).catch(() => undefined)) === undefined) return names
    names.unshift(older)
  }
}

/** Where the last lines of a file begin, and how many there are: its end is read, not all of it. */
async function tailOf(file: FileHandle, size: number, lines: number): Promise<{ offset: number; found: number }> {
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

/** Reads whole lines as they come. */
class LineReader {
  readonly #file: FileHandle
  #at: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(file: FileHandle, offset: number) {
    this.#file = file
    this.#at = offset
  }

  /** What there is now. */
  async *lines(): AsyncGenerator<string> {
    const buffer = Buffer.alloc(CHUNK)
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, CHUNK, this.#at)
      if (bytesRead === 0) return
      this.#at += bytesRead
      let data = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)])
      for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE)) {
        yield data.subarray(0, end).toString()
        data = data.subarray(end + 1)
      }
      this.#rest = Buffer.from(data)
    }
  }
}

/** Which files are read, and from where. */
async function plan(path: string, tail: number | undefined): Promise<readonly { file: FileHandle; offset: number }[]> {
  const opened: { file: FileHandle; offset: number }[] = []
  let left = tail ?? Number.POSITIVE_INFINITY
  for (const name of (await filesOf(path)).toReversed()) {
    const file = await open(name, 'r').catch(() => undefined)
    if (file === undefined) continue
    const { size } = await file.stat()
    const { offset, found } = Number.isFinite(left) ? await tailOf(file, size, left) : { offset: 0, found: 0 }
    opened.unshift({ file, offset: left <= 0 ? size : offset })
    left -= found
    if (left <= 0) break
  }
  return opened
}

/** The file that has the name now, when it is another one. */
async function successor(path: string, file: FileHandle): Promise<FileHandle | undefined> {
  const [named, own] = await Promise.all([stat(path).catch(() => undefined), file.stat()])
  return named === undefined || named.ino === own.ino ? undefined : open(path, 'r').catch(() => undefined)
}

async function* raw(path: string, options: LogOptions): AsyncGenerator<string> {
  const opened = [...(await plan(path, options.tail))]
  try {
    for (const { file, offset } of opened.slice(0, -1)) yield* new LineReader(file, offset).lines()
    let last = opened.at(-1)
    while (last === undefined) {
      if (options.follow === undefined || (await options.follow())) return
      await sleep(POLL)
      const file = await open(path, 'r').catch(() => undefined)
      if (file === undefined) continue
      last = { file, offset: 0 }
      opened.push(last)
    }
    let reader = new LineReader(last.file, last.offset)
    for (;;) {
      // Asked before it is read: what was written until then is read in any case.
      const over = options.follow === undefined || (await options.follow())
      yield* reader.lines()
      const next = await successor(path, last.file)
      if (next !== undefined && options.follow !== undefined) {
        yield* reader.lines()
        last = { file: next, offset: 0 }
        opened.push(last)
        reader = new LineReader(next, 0)
      } else if (over) return
      else await sleep(POLL)
    }
  } finally {
    for (const { file } of opened) await file.close()
  }
}

/** Lines of a log, the oldest first. */
export async function* readLogs(path: string, options: LogOptions): AsyncGenerator<LogLine> {
  for await (const text of raw(path, options)) {
    const line = parseLine(text)
    if (line === undefined) continue
    const time = Date.parse(line.time)
    if (options.since !== undefined && time < options.since) continue
    if (options.until !== undefined && time > options.until) return
    yield line
  }
}
