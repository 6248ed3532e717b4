// SPDX-License-Identifier: Apache-2.0
// ADD unpacks archives. Like those of layers, their names never leave the directory that they are unpacked to.

import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { DockError } from '../error.ts'
import { apply, type FilesOptions } from '../host/files.ts'
import { cleanPath, defaultLimits, FrameMaker, memberEntry, sendFrames } from '../layers/apply.ts'
import { decompress } from '../layers/compress.ts'
import type { Entry } from '../layers/frame.ts'
import type { TarHeader } from '../layers/tar-read.ts'
import type { Owner } from './copy-plan.ts'

/** Programs of the host for compressions that this process does not know. They read a pipe, and write one. */
const programs: readonly (readonly [magic: readonly number[], program: string])[] = [
  [[0x42, 0x5a, 0x68], 'bzip2'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz'],
]

const hasMagic = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte)

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(512)
    const { bytesRead } = await file.read(buffer, 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

function throughProgram(path: string, program: string): AsyncIterable<Uint8Array> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] })
  // Read from the very start: what nobody reads when a program ends is lost in Bun.
  const out = child.stdout.pipe(new PassThrough({ highWaterMark: 1 << 18 }))
  child.on('error', (e: NodeJS.ErrnoException) => {
    out.destroy(
      new DockError(e.code === 'ENOENT' ? `${path}: ${program} is missing on this host` : `${program}: ${e.message}`),
    )
  })
  child.stdin.on('error', () => undefined)
  createReadStream(path).pipe(child.stdin)
  return out as AsyncIterable<Uint8Array>
}

async function bytesOf(path: string): Promise<AsyncIterable<Uint8Array>> {
  const first = await firstBytes(path)
  const program = programs.find(([magic]) => hasMagic(first, magic))?.[1]
  return program === undefined
    ? decompress(createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>)
    : throughProgram(path, program)
}

/** Whether a file is a tar archive, compressed or not. */
export async function isArchive(path: string): Promise<boolean> {
  try {
    for await (const chunk of await bytesOf(path)) {
      if (chunk.length < 512) return false
      const magic = Buffer.from(chunk).toString('latin1', 257, 262)
      return magic === 'ustar'
    }
  } catch {
    return false
  }
  return false
}

/** The top of the archive is the directory that it is unpacked to, which has its owner and mode already. */
function memberOf(header: TarHeader, below: string, owner: Owner | undefined): Entry | undefined {
  const name = cleanPath(header.name)
  if (name === '') return undefined
  const place = (path: string): string => [below, path].filter((part) => part !== '').join('/')
  const entry = memberEntry(header, name)
  const link = entry.type === 'hardLink' ? place(entry.link ?? '') : entry.link
  return { ...entry, ...owner, path: place(name), ...(link === undefined ? {} : { link }) }
}

/** Unpacks an archive below a directory (bytes) of a tree. Errors: DockError. */
export async function unpackArchive(
  archive: string,
  target: string,
  below: string,
  owner: Owner | undefined,
  options: FilesOptions,
): Promise<void> {
  const frames = new FrameMaker((header) => memberOf(header, below, owner), defaultLimits)
  await apply(target, async (write) => sendFrames(await bytesOf(archive), frames, write, archive), {
    ...options,
    merge: true,
  })
}
