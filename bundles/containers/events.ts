// SPDX-License-Identifier: Apache-2.0
// What happens to containers, volumes and networks: lines of events.log, in Docker's shape.

import { open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lock } from '../host/lock.ts'
import type { ContainerRecord } from './record.ts'

export interface DockEvent {
  readonly Type: 'container' | 'image' | 'network' | 'volume'
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
  readonly scope: 'local'
  /** Seconds, and nanoseconds, since 1970. */
  readonly time: number
  readonly timeNano: number
}

export const eventsFile = (storageDirectory: string): string => join(storageDirectory, 'events.log')

/** Bytes of events.log after which it becomes events.log.1, and a new one is begun. */
export const EVENTS_LIMIT = 10 << 20

/** Who an event is about. */
export function containerActor(record: ContainerRecord): DockEvent['Actor'] {
  return {
    ID: record.id,
    Attributes: { ...record.config.Labels, image: record.config.Image, name: record.name },
  }
}

/** The lock decides who renames: a second one would put what was just begun in the place of what is full. */
async function rotate(directory: string): Promise<void> {
  const path = eventsFile(directory)
  const held = await lock(join(directory, 'events.lock'), 'exclusive')
  try {
    // Whoever has it open goes on writing to it, and whoever follows it reads both for a while.
    if ((await stat(path)).size >= EVENTS_LIMIT) await rename(path, `${path}.1`)
  } finally {
    await held.release()
  }
}

async function append(directory: string, line: string): Promise<void> {
  const file = await open(eventsFile(directory), 'a', 0o600)
  try {
    await file.write(line)
    if ((await file.stat()).size < EVENTS_LIMIT) return
  } finally {
    await file.close()
  }
  await rotate(directory)
}

/** One line, written at once. What cannot be written is not worth a failure of what happened. */
export async function appendEvent(
  storage: { readonly directory: string },
  event: Pick<DockEvent, 'Type' | 'Action' | 'Actor'>,
): Promise<void> {
  const now = Date.now()
  const { Type, Action, Actor } = event
  // Readers find the beginning of a line by its first key.
  const line: DockEvent = { Type, Action, Actor, scope: 'local', time: Math.floor(now / 1000), timeNano: now * 1e6 }
  await append(storage.directory, `${JSON.stringify(line)}\n`).catch(() => undefined)
}

export function recordEvent(
  storage: { readonly directory: string },
  record: ContainerRecord,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const actor = containerActor(record)
  return appendEvent(storage, {
    Type: 'container',
    Action: action,
    Actor: { ...actor, Attributes: { ...actor.Attributes, ...attributes } },
  })
}
