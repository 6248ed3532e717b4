// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, existsSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { eventFilter, lastExitCode, type ReadEvent, readEvents } from '../../../../bundles/containers/event-reader.ts'
import { appendEvent, type DockEvent, EVENTS_LIMIT } from '../../../../bundles/containers/events.ts'
import { eventPrinter, eventText } from '../../../../cmd/tsdock/containers/events.ts'
import { newDir } from '../../../helpers/work-dir.ts'

const id = 'ab'.repeat(32)

function event(name: string, more: Partial<DockEvent> = {}, attributes: Record<string, string> = {}): DockEvent {
  return {
    Type: 'container',
    Action: 'start',
    Actor: { ID: id, Attributes: { name, image: 'busybox:1', ...attributes } },
    scope: 'local',
    time: 1_764_057_600,
    timeNano: 1_764_057_600_000_000_000,
    ...more,
  }
}

const line = (one: DockEvent): string => `${JSON.stringify(one)}\n`
const nameOf = ({ event: { Actor } }: ReadEvent): string => Actor.Attributes['name'] ?? ''
const now = (): bigint => BigInt(Date.now()) * 1_000_000n

async function all(directory: string, since = 0n, until = now()): Promise<ReadEvent[]> {
  const found: ReadEvent[] = []
  for await (const one of readEvents({ directory }, since, until)) found.push(one)
  return found
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) await sleep(10)
  assert.ok(done(), 'it did not come')
}

test('both parts, and what is damaged left out', async () => {
  const directory = newDir('events')
  assert.equal(await all(directory), [])
  writeFileSync(join(directory, 'events.log.1'), line(event('a')) + line(event('b')))
  const cut = line(event('cut')).slice(0, 40)
  writeFileSync(
    join(directory, 'events.log'),
    `nonsense\n${cut}${line(event('c'))}{}\nnull\n${line(event('d')).trim()}`,
  )
  // The last line has no end yet.
  assert.equal((await all(directory)).map(nameOf), ['a', 'b', 'c'])
})

test('times are exact, and their limits belong to what is wanted', async () => {
  const directory = newDir('events')
  const text = line(event('a', {}, { 'x"timeNano': '5' })).replace(
    '"timeNano":1764057600000000000',
    '"timeNano":1764057600123456789',
  )
  writeFileSync(join(directory, 'events.log'), text)
  const moment = 1_764_057_600_123_456_789n
  const [read] = await all(directory, moment, moment)
  assert.is(read?.moment, moment)
  assert.equal(await all(directory, moment + 1n), [])
  assert.equal(await all(directory, 0n, moment - 1n), [])
  assert.ok(read !== undefined)
  assert.ok(eventPrinter('json')(read).includes('"timeNano":1764057600123456789'))
  assert.is(eventPrinter('{{.TimeNano}} {{json .TimeNano}}')(read), '1764057600123456789 1764057600123456789')
})

test("docker's forms", () => {
  const zone = process.env['TZ']
  const shown = { event: event('web', {}, { b: '1', a: '2' }), moment: 1_764_057_600_000_000_009n, text: '' }
  try {
    process.env['TZ'] = 'UTC'
    assert.is(
      eventText(shown),
      `2025-11-25T08:00:00.000000009Z container start ${id} (a=2, b=1, image=busybox:1, name=web)`,
    )
    process.env['TZ'] = 'Asia/Kolkata'
    assert.match(eventText(shown), /^2025-11-25T13:30:00\.000000009\+05:30 /)
    process.env['TZ'] = 'America/New_York'
    assert.match(eventText(shown), /^2025-11-25T03:00:00\.000000009-05:00 /)
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
  const bare = { ...shown, event: { ...shown.event, Actor: { ID: 'x', Attributes: {} } } }
  assert.match(eventText(bare), / container start x$/)
  const json = (one: DockEvent): unknown =>
    JSON.parse(eventPrinter('json')({ event: one, moment: 0n, text: line(one).trim() }))
  assert.equal(json(shown.event), { status: 'start', id, from: 'busybox:1', ...shown.event })
  const volume = event('v', { Type: 'volume', Action: 'create' })
  assert.equal(json(volume), volume)
  assert.is(eventPrinter('{{json .}}')({ ...shown, text: line(volume).trim() }).slice(0, 19), '{"status":"start","')
  const format =
    '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Status}} {{.ID}} {{.From}} {{.Time}} {{.Scope}}'
  assert.is(eventPrinter(format)(shown), `container start ${id} web start ${id} busybox:1 1764057600 local`)
})

test('filters', () => {
  const image = event('registry:5000/me/x:v1', {
    Type: 'image',
    Action: 'pull',
    Actor: { ID: 'sha256:1', Attributes: { name: 'registry:5000/me/x:v1' } },
  })
  const health = event('web', { Action: 'health_status: healthy' })
  const network = event('net', {
    Type: 'network',
    Action: 'connect',
    Actor: { ID: 'cd', Attributes: { name: 'net', container: id } },
  })
  const events = [event('web'), event('other', { Action: 'die' }, { k: 'v=w', e: '' }), image, health, network]
  const found = (...filters: readonly string[]): string =>
    events.flatMap((one, i) => (eventFilter(filters)(one) ? [i] : [])).join('')
  const table: Readonly<Record<string, string>> = {
    'type=container': '013',
    'type=image': '2',
    'event=start': '0',
    'event=health_status': '3',
    'event=health_status: healthy': '3',
    'event=health': '',
    'container=web': '03',
    'container=we': '03',
    'container=ab': '013',
    'network=cd': '4',
    'network=net': '4',
    'volume=web': '',
    'image=busybox': '013',
    'image=busybox:1': '013',
    'image=busybox:2': '',
    'image=registry:5000/me/x': '2',
    'image=registry': '',
    'image=sha256:1': '2',
    'label=k': '1',
    'label=k=v=w': '1',
    'label=k=v': '',
    'label=e=': '1',
    'label=toString': '',
    'scope=local': '01234',
    'scope=swarm': '',
  }
  for (const [filter, wanted] of Object.entries(table)) assert.is(found(filter), wanted, filter)
  assert.is(found('event=start', 'event=die'), '01')
  assert.is(found('event=start', 'container=other'), '')
  assert.is(found('label=k', 'label=e'), '1')
  assert.is(found('label=k', 'label=none'), '')
  assert.throws(() => eventFilter(['x=y']), "invalid filter 'x'")
  assert.throws(() => eventFilter(['type']), 'it is KEY=VALUE')
})

test('followers lose nothing when the log is begun anew, not even what comes late', async () => {
  const directory = newDir('events')
  const path = join(directory, 'events.log')
  writeFileSync(path, line(event('before')))
  const stop = new AbortController()
  const seen: string[] = []
  const follow = (async () => {
    const end = now() + 60_000_000_000n
    for await (const one of readEvents({ directory }, undefined, end)) {
      seen.push(nameOf(one))
      if (stop.signal.aborted) return
    }
  })()
  await sleep(150)
  appendFileSync(path, line(event('1')))
  renameSync(path, `${path}.1`)
  await sleep(250)
  appendFileSync(path, line(event('2')))
  await until(() => seen.includes('2'))
  appendFileSync(`${path}.1`, line(event('late')))
  await until(() => seen.includes('late'))
  // Twice between two looks of the follower, as the names go.
  appendFileSync(path, line(event('3')))
  renameSync(path, `${path}.1`)
  appendFileSync(path, line(event('4')))
  await until(() => seen.includes('4'))
  stop.abort()
  appendFileSync(path, line(event('5')))
  await follow
  assert.equal(seen, ['1', '2', 'late', '3', '4', '5'])
})

test('what is full gets another name, and many who write at once lose nothing', async () => {
  const directory = newDir('events')
  const path = join(directory, 'events.log')
  const storage = { directory }
  const write = (name: string): Promise<void> =>
    appendEvent(storage, { Type: 'volume', Action: 'create', Actor: { ID: name, Attributes: { name } } })
  writeFileSync(path, line(event('first')))
  appendFileSync(path, `${JSON.stringify({ filler: 'x'.repeat(EVENTS_LIMIT) })}\n`)
  // Some see it full, wait for their turn to rename it, and find another one in its place.
  const names = Array.from({ length: 100 }, (_, i) => `${i}`)
  await Promise.all(names.map((name, i) => sleep(i / 4).then(() => write(name))))
  assert.ok(statSync(`${path}.1`).size > EVENTS_LIMIT)
  assert.not.ok(existsSync(`${path}.2`))
  assert.equal((await all(directory)).map(nameOf).sort(), ['first', ...names].sort())
  await write('last')
  assert.is((await all(directory)).map(nameOf).at(-1), 'last')
  assert.ok(statSync(path).size < 100_000)
  assert.is(statSync(path).mode & 0o777, 0o600)
})

test('how a container ended that is gone', async () => {
  const directory = newDir('events')
  const die = (exitCode: string, ID: string): string =>
    line({ ...event('x', { Action: 'die' }), Actor: { ID, Attributes: { exitCode } } })
  writeFileSync(join(directory, 'events.log'), die('3', id) + die('4', id) + die('5', 'other'))
  assert.is(await lastExitCode({ directory }, id), 4)
  assert.is(await lastExitCode({ directory }, 'none'), undefined)
  for (let i = 0; i < 20; i++) {
    // At the end of this very millisecond.
    const just = die('7', id).replace(/"timeNano":\d+/, `"timeNano":${Date.now()}999999`)
    writeFileSync(join(directory, 'events.log'), just)
    assert.is(await lastExitCode({ directory }, id), 7)
  }
})

test.run()
