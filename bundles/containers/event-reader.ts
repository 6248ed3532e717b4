// SPDX-License-Identifier: Apache-2.0
// Reads events.log, and goes on as it grows.

import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockError } from '../error.ts'
import { type DockEvent, eventsFile } from './events.ts'

const POLL = 100

function parse(line: string): DockEvent | undefined {
  try {
    return JSON.parse(line) as DockEvent
  } catch {
    return undefined
  }
}

/**
 * Events from a moment on until another, in milliseconds since 1970. since undefined: what comes from now on; until undefined:
 * without end.
 */
export async function* readEvents(
  storage: { readonly directory: string },
  since: number | undefined,
  until: number | undefined,
): AsyncGenerator<DockEvent> {
  const path = eventsFile(storage.directory)
  let at = since === undefined ? ((await stat(path).catch(() => undefined))?.size ?? 0) : 0
  let rest = ''
  for (;;) {
    const last = until !== undefined && Date.now() > until
    const file = await open(path, 'r').catch(() => undefined)
    if (file !== undefined) {
      const { size } = await file.stat()
      // It was begun anew.
      if (size < at) at = 0
      const buffer = Buffer.alloc(Math.max(0, size - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at).finally(() => file.close())
      at += bytesRead
      const lines = (rest + buffer.subarray(0, bytesRead).toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const event of lines.map(parse)) {
        if (event === undefined) continue
        const time = event.timeNano / 1e6
        if (until !== undefined && time > until) return
        if (since === undefined || time >= since) yield event
      }
    }
    if (last) return
    await sleep(POLL)
  }
}

/** Filters of one key are alternatives, labels and keys must all hold. Errors: DockError, for one that there is not. */
export function eventFilter(filters: readonly string[]): (event: DockEvent) => boolean {
  const byKey = new Map<string, ((event: DockEvent) => boolean)[]>()
  for (const text of filters) {
    const [key = '', value] = text.split(/=(.*)/s, 2)
    if (value === undefined) throw new DockError(`invalid argument "${text}" for --filter: it is KEY=VALUE`)
    byKey.set(key, [...(byKey.get(key) ?? []), test(key, value)])
  }
  return (event) =>
    [...byKey].every(([key, tests]) =>
      key === 'label' ? tests.every((one) => one(event)) : tests.some((one) => one(event)),
    )
}

function test(key: string, value: string): (event: DockEvent) => boolean {
  const named = ({ Actor }: DockEvent): boolean => Actor.ID.startsWith(value) || Actor.Attributes['name'] === value
  switch (key) {
    case 'type':
      return ({ Type }) => Type === value
    case 'event':
      return ({ Action }) => Action === value || Action.startsWith(`${value}:`)
    case 'container':
    case 'volume':
    case 'network':
      return (event) => event.Type === key && named(event)
    case 'image':
      return (event) => event.Actor.Attributes['image'] === value || (event.Type === 'image' && named(event))
    case 'scope':
      return () => value === 'local'
    case 'label': {
      const [name = '', wanted] = value.split(/=(.*)/s, 2)
      return ({ Actor }) => {
        const found = Actor.Attributes[name]
        return found !== undefined && (wanted === undefined || found === wanted)
      }
    }
    default:
      throw new DockError(`invalid filter '${key}'`)
  }
}
