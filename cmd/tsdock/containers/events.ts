// SPDX-License-Identifier: Apache-2.0
import { eventFilter, type ReadEvent, readEvents } from '../../../bundles/containers/event-reader.ts'
import { momentNow, parseMoment } from '../../../bundles/containers/moments.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { compileTemplate } from '../template/template.ts'

const BILLION = 1_000_000_000n
const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** RFC 3339 in this place's zone, with all nanoseconds. */
export function timeText(moment: bigint): string {
  const seconds = Number(moment / BILLION)
  const minutes = -new Date(seconds * 1000).getTimezoneOffset()
  const local = new Date((seconds + minutes * 60) * 1000).toISOString().slice(0, 19)
  const size = Math.abs(minutes)
  const zone = `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`
  return `${local}.${String(moment % BILLION).padStart(9, '0')}${minutes === 0 ? 'Z' : zone}`
}

/** 2026-11-25T08:00:00.000000000Z container start ID (image=busybox, name=web) */
export function eventText({ event: { Type, Action, Actor }, moment }: ReadEvent): string {
  const attributes = Object.entries(Actor.Attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
  const more = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`
  return `${timeText(moment)} ${Type} ${Action} ${Actor.ID}${more}`
}

/** Older names of the same, which scripts still use. */
function olderNames({ event: { Type, Action, Actor } }: ReadEvent): Readonly<Record<string, string>> {
  return Type === 'container' ? { status: Action, id: Actor.ID, from: Actor.Attributes['image'] ?? '' } : {}
}

/** As JSON: all digits of timeNano stay. */
function jsonText(read: ReadEvent): string {
  const older = JSON.stringify(olderNames(read)).slice(1, -1)
  return older === '' ? read.text : `{${older},${read.text.slice(1)}`
}

/** --format. Errors: DockError. */
export function eventPrinter(format: string | undefined): (read: ReadEvent) => string {
  if (format === undefined) return eventText
  if (format === 'json' || /^\{\{ *json *\. *\}\}$/.test(format)) return jsonText
  const template = compileTemplate(format)
  return (read) => {
    const { event, moment } = read
    const older = olderNames(read)
    const names = { Time: event.time, TimeNano: moment, Scope: event.scope }
    return template({
      ...event,
      ...names,
      Status: older['status'] ?? '',
      ID: older['id'] ?? '',
      From: older['from'] ?? '',
    })
  }
}

/** `tsdock events` */
export async function runEvents(invocation: CommandInvocation): Promise<number> {
  const { text, list } = invocation
  const now = momentNow()
  const [since, until] = (['since', 'until'] as const).map((name) => {
    const value = text(name)
    return value === undefined ? undefined : parseMoment(value, name, now)
  })
  const print = eventPrinter(text('format'))
  const accepts = eventFilter(list('filter'))
  const storage = await openStorage(storageDirectory(invocation.storage))
  await storage.release()
  for await (const read of readEvents(storage, since, until)) {
    if (accepts(read.event)) process.stdout.write(`${print(read)}\n`)
  }
  return 0
}
