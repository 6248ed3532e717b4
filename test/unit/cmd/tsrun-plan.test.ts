// SPDX-License-Identifier: Apache-2.0
// The planner as the front starts it: a request in the file that is descriptor 4, an answer over descriptor 3.

import { spawn } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodePlan } from '../../../runtime/plan/decode.ts'
import { makeRequest } from '../runtime/compile/requests.ts'

const test = suite('tsrun-plan')
const program = join(import.meta.dirname, '../../../cmd/tsrun-plan.ts')

/** Spec: csrc/README.md, "Request". */
function encodeRequest(entries: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = []
  for (const [key, value] of Object.entries(entries)) {
    const [keyBytes, valueBytes] = [Buffer.from(key), Buffer.from(value)]
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32LE(keyBytes.length, 0)
    lengths.writeUInt32LE(valueBytes.length, 4)
    parts.push(lengths, keyBytes, valueBytes)
  }
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(16)
  header.write('TSRQ')
  header.writeUInt32LE(1, 4)
  header.writeUInt32LE(16 + body.length, 8)
  header.writeUInt32LE(parts.length / 3, 12)
  return Buffer.concat([header, body])
}

function entriesOf(config: string): Readonly<Record<string, string>> {
  const { verb, id, bundle, root, facts } = makeRequest()
  return {
    ...{ verb, id, bundle, root, config },
    'opt.preserve-fds': '2',
    ...{ 'time': facts.time, 'pid': '100', 'uid': '0', 'gid': '0', 'cwd': '/', 'umask': '0022' },
    ...{ 'kernel': facts.kernel, 'machine': facts.machine, 'proc.cgroup': facts.cgroup },
    ...{ 'proc.mountinfo': facts.mountinfo, 'proc.uid_map': facts.uidMap, 'proc.gid_map': facts.gidMap },
  }
}

interface Answer {
  readonly bytes: Buffer
  readonly status: number | null
  readonly output: string
}

/** Writes the parts with a pause in between, and the first byte of all at the end. */
async function ask(parts: readonly Buffer[]): Promise<Answer> {
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-plan-'))
  const file = openSync(join(dir, 'request'), 'w+')
  ftruncateSync(file, 16)
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe', 'pipe', file] })
  const socket = child.stdio[3] as Duplex
  const chunks: Buffer[] = []
  let output = ''
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const whole = Buffer.concat(parts)
  let at = 1
  for (const part of parts) {
    const end = Math.max(at, at === 1 ? part.length : at + part.length)
    writeSync(file, whole, at, end - at, at)
    at = end
    await new Promise((resolve) => setTimeout(resolve, parts.length > 1 ? 50 : 0))
  }
  writeSync(file, whole, 0, 1, 0)
  const status = await closed
  closeSync(file)
  rmSync(dir, { recursive: true })
  return { bytes: Buffer.concat(chunks), status, output }
}

function errorOf({ bytes }: Answer): readonly [code: number, text: string] {
  assert.is(bytes.toString('latin1', 0, 4), 'TSER')
  assert.is(bytes.readUInt32LE(8), bytes.length)
  return [bytes.readUInt32LE(12), bytes.toString('utf8', 16)]
}

test('answers a request with a plan', async () => {
  const answer = await ask([encodeRequest(entriesOf(makeRequest().config))])
  const plan = decodePlan(new Uint8Array(answer.bytes))
  assert.is(plan.fields.id, 'c1')
  assert.ok(plan.sections.start.some((op) => op.kind === 'preserve-fds' && op.count === 2))
  assert.equal([answer.status, answer.output], [0, ''])
})

test('waits for a request that comes in pieces', async () => {
  const request = encodeRequest(entriesOf(makeRequest().config))
  const answer = await ask([request.subarray(0, 7), request.subarray(7, 100), request.subarray(100)])
  assert.is(decodePlan(new Uint8Array(answer.bytes)).fields.bundle, '/b')
})

test('answers a bad config with its problems', async () => {
  const [code, text] = errorOf(await ask([encodeRequest(entriesOf('{"ociVersion":"1.0.0","process":{"cwd":"x"}}'))]))
  assert.is(code, 1)
  assert.match(text, /^config\.json: .*process\.cwd/)
})

test('answers what is no request of its version', async () => {
  const request = encodeRequest(entriesOf('{}'))
  request.writeUInt32LE(2, 4)
  assert.match(errorOf(await ask([request]))[1], /install tsrun and tsrun-plan of the same release/)
  assert.match(errorOf(await ask([Buffer.alloc(64, 'x')]))[1], /damaged/)
  assert.match(errorOf(await ask([encodeRequest({ verb: 'create' })]))[1], /id is missing/)
})

test('refuses a request that is cut short', async () => {
  const request = encodeRequest(entriesOf('{}'))
  assert.match(errorOf(await ask([request.subarray(0, 20)]))[1], /cut short/)
})

test.run()
