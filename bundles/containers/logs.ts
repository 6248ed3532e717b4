// SPDX-License-Identifier: Apache-2.0
// What a container has written, from docker's json-file logs: the monitor writes them.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Moment, momentNow, parseTime } from './moments.ts'
import { closeParts, LineReader, openNewer, openParts, type Part, parseJsonLine, tailOf } from './rotated-files.ts'

export interface LogLine {
  readonly log: string
  readonly stream: 'stdout' | 'stderr'
  /** RFC 3339 with nanoseconds. */
  readonly time: string
}

export interface LogOptions {
  /** Lines from the end; undefined: all. */
  readonly tail?: number | undefined
  readonly since?: Moment | undefined
  readonly until?: Moment | undefined
  /** Goes on until the container has ended and all is read. */
  readonly follow: boolean
  readonly hasEnded: () => Promise<boolean>
  /** A line could not be read: it is left out. */
  readonly onDamaged: () => void
}

const POLL = 100

interface Lines {
  readonly lines: readonly string[]
  /** The last of them has no end, and gets none any more. */
  readonly isCut: boolean
}

/** Readers of the parts that are wanted, the oldest first. */
async function readersOf(path: string, { tail, follow }: LogOptions): Promise<readonly LineReader[]> {
  const parts = await openParts(path)
  const readers: LineReader[] = []
  let left = tail ?? Number.POSITIVE_INFINITY
  for (const part of parts.toReversed()) {
    if (left <= 0 && readers.length > 0) {
      await closeParts([part])
      continue
    }
    const { offset, found } = Number.isFinite(left) ? await tailOf(part, left) : { offset: 0, found: 0 }
    left -= found
    // Who does not follow gets what there is: a container that never stops writing must not keep him for ever.
    readers.unshift(new LineReader(part, offset, follow ? undefined : part.size))
  }
  return readers
}

/** Reads what there is, of all parts; then, when it is to go on, what comes. */
class LogFollower {
  readonly #path: string
  readonly #options: LogOptions
  #queue: LineReader[]
  #current: LineReader | undefined

  constructor(path: string, options: LogOptions, readers: readonly LineReader[]) {
    this.#path = path
    this.#options = options
    this.#queue = [...readers]
  }

  async close(): Promise<void> {
    const open = [this.#current, ...this.#queue].filter((one) => one !== undefined)
    await closeParts(open.map(({ part }) => part))
  }

  async *#rest(): AsyncGenerator<Lines> {
    for (let lines = await this.#current?.read(); lines !== undefined; lines = await this.#current?.read()) {
      yield { lines, isCut: false }
    }
  }

  async #next(): Promise<LineReader | undefined> {
    if (this.#queue.length === 0 && this.#options.follow) {
      const parts: readonly Part[] = await openNewer(this.#path, this.#current?.part.inode)
      this.#queue = parts.map((part) => new LineReader(part, 0))
    }
    return this.#queue.shift()
  }

  /** Of all parts that there are now. */
  async *available(): AsyncGenerator<Lines> {
    for (;;) {
      yield* this.#rest()
      const next = await this.#next()
      if (next === undefined) return
      if (this.#current !== undefined) {
        // It may have been written to until it got its other name.
        yield* this.#rest()
        if (this.#current.hasRest) yield { lines: [], isCut: true }
        await closeParts([this.#current.part])
      }
      this.#current = next
    }
  }

  get isCut(): boolean {
    return this.#current?.hasRest === true
  }
}

async function* allLines(path: string, options: LogOptions): AsyncGenerator<Lines> {
  const { follow, hasEnded, until } = options
  const follower = new LogFollower(path, options, await readersOf(path, options))
  try {
    for (;;) {
      // Asked before it is read: what was written until then is read in any case.
      const ended = await hasEnded()
      const isLast = !follow || ended || (until !== undefined && momentNow() > until)
      yield* follower.available()
      if (isLast) {
        // The last line of one that runs may be about to be written.
        if (ended && follower.isCut) yield { lines: [], isCut: true }
        return
      }
      await sleep(POLL)
    }
  } finally {
    await follower.close()
  }
}

function parseLine(text: string, onDamaged: () => void): LogLine | undefined {
  const { value, isWhole } = parseJsonLine(text, '{"log":"')
  const line = (typeof value === 'object' && value !== null ? value : {}) as Partial<LogLine>
  const isLine = typeof line.log === 'string' && typeof line.time === 'string'
  if (!isWhole || !isLine) onDamaged()
  return isLine ? (line as LogLine) : undefined
}

/** Whether a line is from the time that is wanted. */
function isWanted({ time }: LogLine, { since, until }: LogOptions): boolean {
  if (since === undefined && until === undefined) return true
  const moment = parseTime(time)
  if (moment === undefined) return true
  return (since === undefined || moment >= since) && (until === undefined || moment <= until)
}

/** Lines of a log, the oldest first, some at once. */
export async function* readLogs(path: string, options: LogOptions): AsyncGenerator<readonly LogLine[]> {
  for await (const { lines, isCut } of allLines(path, options)) {
    const parsed = lines.map((text) => parseLine(text, options.onDamaged)).filter((line) => line !== undefined)
    if (isCut) options.onDamaged()
    const wanted = parsed.filter((line) => isWanted(line, options))
    if (wanted.length > 0) yield wanted
  }
}
