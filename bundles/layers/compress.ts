// SPDX-License-Identifier: Apache-2.0
// How blobs of layers are compressed: gzip, zstd, or not at all. Always in this process: no program of an image is ever asked.

import { Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { DockError } from '../error.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

/** First bytes of formats that images do not use, so that a message can name them. */
const foreign: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['compress', [0x1f, 0x9d]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
]

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte)

/** Errors: DockError for a compression that images do not use. */
export function detectCompression(first: Uint8Array): Compression {
  if (startsWith(first, [0x1f, 0x8b])) return 'gzip'
  if (startsWith(first, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd'
  // A frame of zstd that is skipped: pzstd begins with one.
  if (startsWith(first.subarray(1), [0x2a, 0x4d, 0x18]) && ((first[0] ?? 0) & 0xf0) === 0x50) return 'zstd'
  const name = foreign.find(([, magic]) => startsWith(first, magic))?.[0]
  if (name !== undefined) throw new DockError(`it is compressed with ${name}; layers are tar, tar+gzip or tar+zstd`)
  return 'none'
}

function decoder(compression: Compression): Transform | undefined {
  const options = { chunkSize: 1 << 18 }
  if (compression === 'gzip') return zlib.createGunzip(options)
  if (compression === 'zstd') {
    if (typeof zlib.createZstdDecompress !== 'function') throw new DockError('zstd needs a newer Node (22.15)')
    return zlib.createZstdDecompress(options)
  }
  return undefined
}

/** Puts back the chunk that was looked at. */
async function* withFirst(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield first
    for (;;) {
      const next = await rest.next()
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}

/** The uncompressed bytes of a blob, whatever its compression. Errors: DockError. */
export async function* decompress(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = blob[Symbol.asyncIterator]()
  let first: Uint8Array = Buffer.alloc(0)
  while (first.length < 6) {
    const next = await chunks.next()
    if (next.done === true) break
    first = Buffer.concat([first, next.value])
  }
  const all = withFirst(first, chunks)
  const decode = decoder(detectCompression(first))
  if (decode === undefined) {
    yield* all
    return
  }
  const source = Readable.from(all)
  source.on('error', (e) => decode.destroy(e))
  try {
    yield* source.pipe(decode) as AsyncIterable<Uint8Array>
  } finally {
    source.destroy()
    decode.destroy()
  }
}
