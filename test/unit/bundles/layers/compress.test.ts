// SPDX-License-Identifier: Apache-2.0
import * as zlib from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../../../bundles/error.ts'
import { decompress, detectCompression } from '../../../../bundles/layers/compress.ts'

const plain = Buffer.from('all work and no play '.repeat(5000))
const gzip = zlib.gzipSync(plain)
const zstd = typeof zlib.zstdCompressSync === 'function' ? zlib.zstdCompressSync(plain) : undefined

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function decompressed(bytes: Buffer, size = 1000): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of decompress(inChunks(bytes, size))) parts.push(part)
  return Buffer.concat(parts)
}

const fails = async (bytes: Buffer, message: RegExp): Promise<void> => {
  const outcome = await decompressed(bytes).then(
    () => 'nothing',
    (e: Error) => e.message,
  )
  assert.match(outcome, message)
}

test('nothing, gzip and zstd, in chunks of any size', async () => {
  for (const bytes of [plain, gzip, ...(zstd === undefined ? [] : [zstd])])
    for (const size of [1, 7, 1000, 1 << 20]) {
      if (size === 1 && bytes === plain) continue
      assert.ok((await decompressed(bytes, size)).equals(plain))
    }
  assert.is((await decompressed(Buffer.alloc(0))).length, 0)
  assert.is((await decompressed(Buffer.from('ab'))).length, 2)
})

test('several members, and frames that are skipped', async () => {
  const twice = Buffer.concat([plain, plain])
  assert.ok((await decompressed(Buffer.concat([gzip, gzip]))).equals(twice))
  if (zstd === undefined) return
  const skipped = Buffer.from('502a4d1804000000deadbeef', 'hex')
  assert.ok((await decompressed(Buffer.concat([zstd, skipped, zstd, skipped]))).equals(twice))
  assert.ok((await decompressed(Buffer.concat([skipped, zstd]))).equals(plain))
})

test('what is cut off or damaged is refused', async () => {
  await fails(gzip.subarray(0, gzip.length - 4), /unexpected end of file/)
  await fails(gzip.subarray(0, 100), /unexpected end of file/)
  const damaged = Buffer.from(gzip)
  damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1
  await fails(damaged, /incorrect data check/)
})

test('foreign compressions are refused by name', () => {
  for (const [name, magic] of Object.entries({
    bzip2: '425a68',
    xz: 'fd377a585a00',
    lz4: '04224d18',
    zip: '504b0304',
    compress: '1f9d',
  })) {
    try {
      detectCompression(Buffer.from(magic, 'hex'))
      assert.unreachable(name)
    } catch (e: unknown) {
      assert.instance(e, DockError)
      assert.match((e as Error).message, `compressed with ${name};`)
    }
  }
})

test('whoever stops reading closes the source', async () => {
  let closed = false
  async function* source(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let at = 0; at < gzip.length; at += 10) yield gzip.subarray(at, at + 10)
    } finally {
      closed = true
    }
  }
  for await (const part of decompress(source())) {
    assert.ok(part.length > 0)
    break
  }
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.ok(closed)
})

test.run()
