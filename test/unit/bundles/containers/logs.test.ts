// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type LogOptions, readLogs } from '../../../../bundles/containers/logs.ts'
import { parseMoment, parseTime } from '../../../../bundles/containers/moments.ts'
import { detailsOf } from '../../../../cmd/tsdock/containers/logs.ts'
import { newDir } from '../../../helpers/work-dir.ts'

const at = (second: number): string => `2026-11-25T08:00:${String(second % 60).padStart(2, '0')}.123456789Z`
const line = (log: string, second = 0, stream = 'stdout'): string =>
  `${JSON.stringify({ log: `${log}\n`, stream, time: at(second) })}\n`
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => line(String(from + i))).join('')

const newLog = (): string => join(newDir('log'), 'x-json.log')

interface Seen {
  readonly logs: string[]
  damaged: number
}

/** seen is filled while it is read. */
async function read(
  path: string,
  options: Partial<LogOptions> = {},
  seen: Seen = { logs: [], damaged: 0 },
): Promise<Seen> {
  const all: LogOptions = {
    follow: false,
    hasEnded: () => Promise.resolve(true),
    onDamaged: () => {
      seen.damaged++
    },
    ...options,
  }
  for await (const some of readLogs(path, all)) seen.logs.push(...some.map(({ log }) => log.trimEnd()))
  return seen
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i))

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) await sleep(10)
  assert.ok(done(), 'it did not come')
}

test('all parts, the oldest first', async () => {
  const path = newLog()
  assert.equal(await read(path), { logs: [], damaged: 0 })
  for (const [name, from] of [
    ['.10', 0],
    ['.9', 10],
    ['.2', 20],
    ['.1', 30],
    ['', 40],
  ] as const) {
    writeFileSync(`${path}${name}`, lines(from, from + 10))
  }
  writeFileSync(`${path}.gz`, 'x')
  writeFileSync(`${path}.01`, 'x')
  assert.equal(await read(path), { logs: numbers(0, 50), damaged: 0 })
})

test('--tail, across parts and chunks', async () => {
  const path = newLog()
  writeFileSync(`${path}.1`, lines(0, 5000))
  writeFileSync(path, lines(5000, 10_000))
  for (const tail of [0, 1, 2, 4999, 5000, 5001, 9999, 10_000, 20_000]) {
    const { logs } = await read(path, { tail })
    assert.equal(logs, numbers(Math.max(0, 10_000 - tail), 10_000), `${tail}`)
  }
})

test('the end of a big file is read, not all of it', async () => {
  const path = newLog()
  writeFileSync(path, '')
  truncateSync(path, 2 ** 34)
  appendFileSync(path, `\n${lines(0, 10)}`)
  const before = performance.now()
  assert.equal(await read(path, { tail: 3 }), { logs: ['7', '8', '9'], damaged: 0 })
  assert.ok(performance.now() - before < 100)
})

test('--since and --until, exact to the nanosecond', async () => {
  const path = newLog()
  writeFileSync(path, [10, 11, 12, 13].map((second) => line(`${second}`, second)).join(''))
  const since = parseTime(at(11)) ?? 0n
  const end = parseTime(at(12)) ?? 0n
  assert.equal((await read(path, { since, until: end })).logs, ['11', '12'])
  assert.equal((await read(path, { since: since + 1n, until: end - 1n })).logs, [])
  assert.equal((await read(path, { since: since + 1n })).logs, ['12', '13'])
})

test('moments', () => {
  const now = 1_000_000_000_000n
  const table: Readonly<Record<string, bigint>> = {
    '10m': now - 600_000_000_000n,
    '1h30m': now - 5_400_000_000_000n,
    '1.5s': now - 1_500_000_000n,
    '-2s': now + 2_000_000_000n,
    '0s': now,
    '0': 0n,
    '1764057600': 1_764_057_600_000_000_000n,
    '1764057600.000000001': 1_764_057_600_000_000_001n,
    '2025-11-25T08:00:00Z': 1_764_057_600_000_000_000n,
    '2025-11-25T08:00:00.5Z': 1_764_057_600_500_000_000n,
    '2025-11-25T10:00:00.123456789+02:00': 1_764_057_600_123_456_789n,
    '2025-11-25T08:00Z': 1_764_057_600_000_000_000n,
    '2025-11-25T08Z': 1_764_057_600_000_000_000n,
    '2025-11-25Z': 1_764_028_800_000_000_000n,
    '2025-11-25': BigInt(Date.parse('2025-11-25T00:00:00')) * 1_000_000n,
  }
  for (const [text, moment] of Object.entries(table)) assert.is(parseMoment(text, 'since', now), moment, text)
  for (const text of ['', 'x', '10x', '2025-13-01', '2025-11-25 08:00', '1h x', '-', '--1s', '-5', '1.']) {
    assert.throws(() => parseMoment(text, 'since', now), /invalid value for "since"/, text)
  }
})

test('a damaged line is told and left out, and the one behind it is not lost', async () => {
  const path = newLog()
  const cut = line('cut off').slice(0, 12)
  writeFileSync(path, `${line('a')}nonsense\n${cut}${line('b')}{"log":1,"time":"x"}\n\n${line('say {"log":"x"')}`)
  assert.equal(await read(path), { logs: ['a', 'b', 'say {"log":"x"'], damaged: 4 })
})

test('a last line without an end is damage only when nobody writes any more', async () => {
  const path = newLog()
  writeFileSync(path, line('a') + line('b').slice(0, 20))
  assert.equal(await read(path), { logs: ['a'], damaged: 1 })
  assert.equal(await read(path, { hasEnded: () => Promise.resolve(false) }), { logs: ['a'], damaged: 0 })
})

test('what is no line at all costs no memory', async () => {
  const path = newLog()
  writeFileSync(path, '')
  truncateSync(path, 2 ** 26)
  appendFileSync(path, `\n${line('a')}`)
  const before = performance.now()
  assert.equal(await read(path), { logs: ['a'], damaged: 1 })
  assert.ok(performance.now() - before < 5000)
})

test('-f goes on across rotations, however many at once, until the container has ended', async () => {
  const path = newLog()
  let ended = false
  const seen: Seen = { logs: [], damaged: 0 }
  const reading = read(path, { follow: true, hasEnded: () => Promise.resolve(ended) }, seen)
  let next = 0
  const write = (count: number): void => {
    appendFileSync(path, lines(next, next + count))
    next += count
  }
  const rotate = (): void => {
    for (let i = 4; i > 0; i--) {
      try {
        renameSync(i === 1 ? path : `${path}.${i - 1}`, `${path}.${i}`)
      } catch {}
    }
  }
  write(5)
  await until(() => seen.logs.length === 5)
  for (let round = 0; round < 5; round++) {
    write(5)
    rotate()
    write(5)
    rotate()
    await sleep(5)
    rotate()
    write(5)
    await until(() => seen.logs.length === next)
  }
  // Half of a line, then the other half.
  const half = line(String(next))
  appendFileSync(path, half.slice(0, 9))
  await sleep(250)
  appendFileSync(path, half.slice(9))
  next++
  await until(() => seen.logs.length === next)
  write(3)
  ended = true
  await reading
  assert.equal(seen, { logs: numbers(0, next), damaged: 0 })
})

test('-f with --until ends at that time', async () => {
  const path = newLog()
  writeFileSync(path, line('a'))
  const end = BigInt(Date.now() + 300) * 1_000_000n
  const before = performance.now()
  await read(path, { follow: true, until: end, hasEnded: () => Promise.resolve(false) })
  assert.ok(performance.now() - before < 2000)
})

test('who does not follow is not kept by a container that never stops writing', async () => {
  const path = newLog()
  writeFileSync(path, lines(0, 3000))
  const seen: string[] = []
  const options = { follow: false, hasEnded: () => Promise.resolve(false), onDamaged: () => undefined }
  for await (const some of readLogs(path, options)) {
    seen.push(...some.map(({ log }) => log.trimEnd()))
    appendFileSync(path, lines(0, 3000))
  }
  assert.equal(seen, numbers(0, 3000))
})

test('--details', () => {
  const config = { Labels: { a: 'x y', b: 'q', z: '(*)' }, Env: ['V=1=2', 'W='] }
  const hostConfig = { LogConfig: { Type: 'json-file', Config: { labels: 'a,z,none', env: 'V,W,toString' } } }
  assert.is(detailsOf({ config, hostConfig } as never), 'V=1%3D2,W=,a=x+y,z=%28%2A%29')
  assert.is(detailsOf({ config, hostConfig: { LogConfig: { Type: 'json-file', Config: {} } } } as never), '')
})

test.run()
