// SPDX-License-Identifier: Apache-2.0
// How the planner gets its request and answers: all that needs Bun itself. The answer leaves without a turn of the event loop,
// which would take as long as a good part of the compilation.

import { requestLength } from '../runtime/facts/decode-request.ts'
import { TsrunError } from '../spec/error.ts'

declare const Bun: {
  file(descriptor: number): object
  write(target: object, data: Uint8Array): Promise<number>
}

/** The front's socket. */
const SOCKET = 3
const HEADER_SIZE = 16

/** The request of the front, or undefined when nobody asked. Errors: protocol. */
export function readRequest(): Uint8Array | undefined {
  if (process.argv.length > 2) return undefined
  const { fstatSync, readSync } = process.getBuiltinModule('node:fs')
  try {
    // It may be the engine's own.
    if (!fstatSync(SOCKET).isSocket()) return undefined
  } catch {
    return undefined
  }
  let bytes = new Uint8Array(HEADER_SIZE)
  for (let at = 0; at < bytes.length; ) {
    const n = readSync(SOCKET, bytes, at, bytes.length - at, null)
    // 0 is the end of the stream: whoever asked is gone.
    if (n === 0) throw new TsrunError('protocol', 'the request of tsrun ended early')
    at += n
    if (at !== HEADER_SIZE || bytes.length !== HEADER_SIZE) continue
    const whole = new Uint8Array(requestLength(bytes))
    whole.set(bytes)
    bytes = whole
  }
  return bytes
}

/** Sends it at once; the promise is for what did not fit into the socket, and fails when the front has gone. */
export function writeAnswer(bytes: Uint8Array): Promise<unknown> {
  return Bun.write(Bun.file(SOCKET), bytes)
}
