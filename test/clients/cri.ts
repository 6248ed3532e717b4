// SPDX-License-Identifier: Apache-2.0
// What a kubelet says to a container engine, as far as one pod needs it. The registries that this project uses have no CRI
// client, and the published one for gRPC would want the CRI's definitions, which come without a package, too.

import { connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'

type Field = readonly [number: number, value: string | number | Buffer]

/** A message of protocol buffers: texts, numbers and messages by their numbers. */
export function message(...fields: readonly Field[]): Buffer {
  const parts = fields.flatMap(([number, value]) => {
    if (typeof value === 'number') return [varint(number << 3), varint(value)]
    const bytes = Buffer.from(value)
    return [varint((number << 3) | 2), varint(bytes.length), bytes]
  })
  return Buffer.concat(parts)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

function readVarint(bytes: Buffer, at: number): readonly [value: number, next: number] {
  let value = 0
  for (let index = at, scale = 1; ; index++, scale *= 128) {
    const byte = bytes[index]
    if (byte === undefined) throw new Error('CRI: the answer ends within a number')
    value += (byte & 127) * scale
    if (byte < 128) return [value, index + 1]
  }
}

/** The text fields of an answer, by their numbers. Numbers are passed over. */
export function textFields(bytes: Buffer): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (let at = 0; at < bytes.length; ) {
    const [key, next] = readVarint(bytes, at)
    const [value, end] = readVarint(bytes, next)
    if ((key & 7) === 0) {
      at = end
    } else if ((key & 7) === 2) {
      found.set(key >> 3, bytes.subarray(end, end + value).toString())
      at = end + value
    } else {
      throw new Error(`CRI: a field of kind ${key & 7}`)
    }
  }
  return found
}

/** Calls a method of runtime.v1.RuntimeService. */
export function callCri(socket: string, method: string, request: Buffer): Promise<ReadonlyMap<number, string>> {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(request.length, 1)
  return new Promise((resolve, reject) => {
    const session = connect('http://localhost', { createConnection: () => connectSocket(socket) })
    const stream = session.request({
      ':method': 'POST',
      ':path': `/runtime.v1.RuntimeService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let status = ''
    const note = (headers: { readonly [name: string]: unknown }): void => {
      if (headers['grpc-status'] !== undefined) status = `${headers['grpc-status']} ${headers['grpc-message'] ?? ''}`
    }
    session.on('error', reject)
    stream.on('error', reject)
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      session.close()
      if (!/^0\b/.test(status)) reject(new Error(`CRI: ${method}: ${decodeURIComponent(status)}`))
      else resolve(textFields(Buffer.concat(chunks).subarray(5)))
    })
    stream.end(Buffer.concat([head, request]))
  })
}
