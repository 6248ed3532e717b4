// SPDX-License-Identifier: Apache-2.0
import { eventFilter, readEvents } from '../../../bundles/containers/event-reader.ts'
import type { DockEvent } from '../../../bundles/containers/events.ts'
import { parseMoment } from '../../../bundles/containers/moments.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { compileTemplate } from '../template/template.ts'

const NANOSECONDS = 1e9

/** 2026-11-25T08:00:00.000000000Z container start ID (image=busybox, name=web) */
function eventText({ Type, Action, Actor, time, timeNano }: DockEvent): string {
  const at = new Date(time * 1000).toISOString().slice(0, 19)
  const nanoseconds = String(timeNano % NANOSECONDS).padStart(9, '0')
  const attributes = Object.entries(Actor.Attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
  return `${at}.${nanoseconds}Z ${Type} ${Action} ${Actor.ID} (${attributes.join(', ')})`
}

function printer(format: string | undefined): (event: DockEvent) => string {
  if (format === undefined) return eventText
  // Older names of the same, which scripts still use.
  const whole = (event: DockEvent): object =>
    event.Type === 'container'
      ? { status: event.Action, id: event.Actor.ID, from: event.Actor.Attributes['image'], ...event }
      : event
  if (format === 'json') return (event) => JSON.stringify(whole(event))
  const template = compileTemplate(format)
  return (event) => template({ ...whole(event), Time: event.time, TimeNano: event.timeNano, ID: event.Actor.ID })
}

/** `tsdock events` */
export async function runEvents(invocation: CommandInvocation): Promise<number> {
  const { text, list } = invocation
  const now = Date.now()
  const [since, until] = (['since', 'until'] as const).map((name) => {
    const value = text(name)
    return value === undefined ? undefined : parseMoment(value, name, now)
  })
  const print = printer(text('format'))
  const accepts = eventFilter(list('filter'))
  const storage = await openStorage(storageDirectory(invocation.storage))
  await storage.release()
  for await (const event of readEvents(storage, since, until)) {
    if (accepts(event)) process.stdout.write(`${print(event)}\n`)
  }
  return 0
}
