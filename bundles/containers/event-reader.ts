// SPDX-License-Identifier: Apache-2.0
// Reads events.log and its older part, and goes on as it grows.

import { setTimeout as sleep } from 'node:timers/promises'
import { DockError } from '../error.ts'
import { type DockEvent, eventsFile } from './events.ts'
import { type Moment, momentNow } from './moments.ts'
import { closeParts, LineReader, openNewer, openParts, parseJsonLine } from './rotated-files.ts'

const POLL = 100
/** Milliseconds in which those who had the file open when it got its other name have written to it. */
const LATE = 5000

export interface ReadEvent {
  readonly event: DockEvent
  /** `timeNano`, which is larger than a number of JavaScript can tell exactly. */
  readonly moment: Moment
  /** As JSON: with all digits. */
  readonly text: string
}

function isEvent(value: unknown): value is DockEvent {
  const event = value as Partial<DockEvent> | undefined | null
  return (
    typeof event?.Type === 'string' &&
    typeof event.Action === 'string' &&
    typeof event.Actor?.ID === 'string' &&
    typeof event.Actor.Attributes === 'object' &&
    typeof event.timeNano === 'number'
  )
}

/** What cannot be read is left out. */
function parse(line: string): ReadEvent | undefined {
  const start = '{"Type":"'
  const { value, isWhole } = parseJsonLine(line, start)
  if (!isEvent(value)) return undefined
  const text = isWhole ? line : line.slice(line.lastIndexOf(start))
  // Attributes are texts, so that this is none of them.
  const digits = [...text.matchAll(/"timeNano":(\d+)/g)].at(-1)?.[1] ?? '0'
  return { event: value, moment: BigInt(digits), text }
}

/** Reads events.log, across its change of name. */
class EventLog {
  readonly #path: string
  /** The newest is the last; another one before it may still get late lines. */
  #readers: readonly LineReader[] = []
  /** Milliseconds: when the ones before the last are let go. */
  #letGo = 0

  constructor(path: string) {
    this.#path = path
  }

  /** fromEnd: without what is there already. */
  async open(fromEnd: boolean): Promise<void> {
    this.#readers = (await openParts(this.#path)).map((part) => new LineReader(part, fromEnd ? part.size : 0))
    this.#letGo = performance.now() + LATE
  }

  close(): Promise<void> {
    return closeParts(this.#readers.map(({ part }) => part))
  }

  async *available(): AsyncGenerator<readonly string[]> {
    const newer = await openNewer(this.#path, this.#readers.at(-1)?.part.inode)
    if (newer.length > 0) {
      this.#readers = [...this.#readers, ...newer.map((part) => new LineReader(part, 0))]
      this.#letGo = performance.now() + LATE
    }
    for (const reader of this.#readers) {
      for (let lines = await reader.read(); lines !== undefined; lines = await reader.read()) yield lines
    }
    if (this.#readers.length > 1 && performance.now() > this.#letGo) {
      await closeParts(this.#readers.slice(0, -1).map(({ part }) => part))
      this.#readers = this.#readers.slice(-1)
    }
  }
}

/** Events from a moment on until another. since undefined: what comes from now on; until undefined: without end. */
export async function* readEvents(
  storage: { readonly directory: string },
  since: Moment | undefined,
  until: Moment | undefined,
): AsyncGenerator<ReadEvent> {
  const log = new EventLog(eventsFile(storage.directory))
  await log.open(since === undefined)
  try {
    for (;;) {
      const left = until === undefined ? POLL : Number(until - momentNow()) / 1e6
      for await (const lines of log.available()) {
        for (const read of lines.map(parse)) {
          if (read === undefined) continue
          if ((until === undefined || read.moment <= until) && (since === undefined || read.moment >= since)) yield read
        }
      }
      if (left < 0) return
      await sleep(Math.min(POLL, Math.ceil(left)))
    }
  } finally {
    await log.close()
  }
}

/** How a container ended the last time, of one that is not there any more; undefined: that is not known. */
export async function lastExitCode(storage: { readonly directory: string }, id: string): Promise<number | undefined> {
  const log = new EventLog(eventsFile(storage.directory))
  await log.open(false)
  let code: number | undefined
  try {
    // All that there is, up to its end: a clock of milliseconds is behind what was written just now.
    for await (const lines of log.available()) {
      for (const read of lines.map(parse)) {
        const { Type, Action, Actor } = read?.event ?? {}
        if (Type === 'container' && Action === 'die' && Actor?.ID === id) code = Number(Actor.Attributes['exitCode'])
      }
    }
  } finally {
    await log.close()
  }
  return code
}

type Test = (event: DockEvent) => boolean

/** Filters of one key are alternatives, labels and keys must all hold. Errors: DockError, for one that there is not. */
export function eventFilter(filters: readonly string[]): Test {
  const byKey = new Map<string, Test[]>()
  for (const text of filters) {
    const [key = '', value] = text.split(/=(.*)/s, 2)
    if (value === undefined) throw new DockError(`invalid argument "${text}" for "--filter" flag: it is KEY=VALUE`)
    byKey.set(key, [...(byKey.get(key) ?? []), test(key, value)])
  }
  return (event) =>
    [...byKey].every(([key, tests]) =>
      key === 'label' ? tests.every((one) => one(event)) : tests.some((one) => one(event)),
    )
}

/** Without its tag: `host:5000/name:tag` is `host:5000/name`. */
const withoutTag = (image: string): string => image.replace(/@.*$/s, '').replace(/:[^:/]*$/, '')

function isOfImage({ Type, Actor }: DockEvent, image: string): boolean {
  const name = Actor.Attributes[Type === 'image' ? 'name' : 'image'] ?? ''
  return [Actor.ID, name, withoutTag(Actor.ID), withoutTag(name)].includes(image)
}

// These carry more behind a colon: `health_status: healthy`.
const longActions = ['health_status', 'exec_create', 'exec_start']

function test(key: string, value: string): Test {
  switch (key) {
    case 'type':
      return ({ Type }) => Type === value
    case 'event':
      return ({ Action }) => Action === value || (longActions.includes(value) && Action.startsWith(`${value}:`))
    case 'container':
    case 'volume':
    case 'network':
      // As docker: the start of either is enough.
      return ({ Type, Actor }) =>
        Type === key && (Actor.ID.startsWith(value) || Actor.Attributes['name']?.startsWith(value) === true)
    case 'image':
      return (event) => isOfImage(event, value)
    case 'scope':
      return ({ scope }) => scope === value
    case 'label': {
      const [name = '', wanted] = value.split(/=(.*)/s, 2)
      return ({ Actor }) =>
        Object.hasOwn(Actor.Attributes, name) && (wanted === undefined || Actor.Attributes[name] === wanted)
    }
    default:
      throw new DockError(`invalid filter '${key}'`)
  }
}
