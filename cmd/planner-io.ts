// SPDX-License-Identifier: Apache-2.0
// How the planner gets its request and answers: all that needs Bun itself. Loading node:fs, and a turn of the event loop
// before the answer, would each take as long as a good part of the compilation.

import { requestLength } from '../runtime/facts/decode-request.ts'
import { TsrunError } from '../spec/error.ts'

declare const Bun: {
  /** Of a file that others write to, too. */
  mmap(path: string): Uint8Array
  sleepSync(milliseconds: number): void
  file(descriptor: number): object
  write(target: object, data: Uint8Array): Promise<number>
}

/** The front's socket: the answer goes there. */
const SOCKET = 3
/** A memory file with the request. Its first byte is 0 until all is there. */
const REQUEST = 4
/** The front gives up sooner. */
const PATIENCE_MS = 60_000

/** The request of the front, or undefined when nobody asked. Errors: protocol. */
export function readRequest(): Uint8Array | undefined {
  return process.argv.length > 2 ? undefined : receiveRequest()
}

/** The same for a program that was told on its command line that it will be asked. */
export function receiveRequest(): Uint8Array | undefined {
  const bytes = mapRequest()
  if (bytes === undefined) return undefined
  if (requestLength(bytes) !== bytes.length) throw new TsrunError('protocol', 'the request of tsrun is cut short')
  return bytes
}

function mapRequest(): Uint8Array | undefined {
  const path = `/proc/self/fd/${REQUEST}`
  const bytes = tryMap(path)
  if (bytes === undefined) return undefined
  // The front starts us before it has the request, and mostly has it by now.
  for (let waited = 0; bytes[0] === 0; waited++) {
    if (waited > PATIENCE_MS) throw new TsrunError('protocol', 'the request of tsrun did not come')
    Bun.sleepSync(1)
  }
  // It has grown since.
  return requestLength(bytes) === bytes.length ? bytes : tryMap(path)
}

/** Undefined: nothing there, or a descriptor of the engine's own. */
function tryMap(path: string): Uint8Array | undefined {
  try {
    return Bun.mmap(path)
  } catch {
    return undefined
  }
}

/** Sends it at once; the promise is for what did not fit into the socket, and fails when the front has gone. */
export function writeAnswer(bytes: Uint8Array): Promise<unknown> {
  return Bun.write(Bun.file(SOCKET), bytes)
}
