// SPDX-License-Identifier: Apache-2.0
// What happens to containers, volumes and networks: lines of events.log, in Docker's shape.

import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
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

/** Who an event is about. */
export function containerActor(record: ContainerRecord): DockEvent['Actor'] {
  return {
    ID: record.id,
    Attributes: { ...record.config.Labels, image: record.config.Image, name: record.name },
  }
}

/** One line, written at once. What cannot be written is not worth a failure of what happened. */
export async function appendEvent(
  storage: { readonly directory: string },
  event: Pick<DockEvent, 'Type' | 'Action' | 'Actor'>,
): Promise<void> {
  const now = Date.now()
  const line: DockEvent = { ...event, scope: 'local', time: Math.floor(now / 1000), timeNano: now * 1e6 }
  await appendFile(eventsFile(storage.directory), `${JSON.stringify(line)}\n`, { mode: 0o600 }).catch(() => undefined)
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
