// SPDX-License-Identifier: Apache-2.0
// What is in a directory, as lines; and how to make things in one.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { apply, type ApplyOptions, type FilesOptions, pack } from '../../bundles/host/files.ts'
import { type Entry, encodeEnd, encodeEntry } from '../../bundles/layers/frame.ts'
import { needsPrograms } from './tools.ts'

const latin1 = (bytes: Buffer): string => bytes.toString('latin1')

/** Contents of a `file` entry, beside it. */
export type Item = Entry & { readonly contents?: string | Buffer }

const contentsOf = (item: Item): Buffer => Buffer.from(item.contents ?? '')

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]

/** Makes entries in a directory. Their owner is the user of the tests unless they say otherwise. */
export function applyItems(directory: string, items: readonly Item[], options: ApplyOptions = {}): Promise<void> {
  return apply(
    directory,
    async (write) => {
      for (const item of items) {
        const contents = contentsOf(item)
        const full = { mode: item.type === 'directory' ? 0o755 : 0o644, uid, gid, seconds: 1000, ...item }
        await write(encodeEntry(item.type === 'file' ? { size: contents.length, ...full } : full))
        if (item.type === 'file' && contents.length > 0) await write(contents)
      }
      await write(encodeEnd())
    },
    options,
  )
}

/** The tar that `pack` makes. */
export async function packed(
  directory: string,
  options: FilesOptions & { readonly newest?: number; readonly plain?: boolean } = {},
): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  await pack(
    directory,
    async (out) => {
      bytes = await buffer(out)
    },
    options,
  )
  return bytes
}

const kinds: readonly (readonly [string, (st: BigIntStats) => boolean])[] = [
  ['dir', (st) => st.isDirectory()],
  ['file', (st) => st.isFile()],
  ['link', (st) => st.isSymbolicLink()],
  ['fifo', (st) => st.isFIFO()],
  ['socket', (st) => st.isSocket()],
  ['char', (st) => st.isCharacterDevice()],
  ['block', (st) => st.isBlockDevice()],
]

export interface ListOptions {
  /** Leaves out times (of what the test itself does not set). */
  readonly times?: boolean
  /** Adds extended attributes, as getfattr prints them. */
  readonly xattrs?: boolean
}

/** One line for each name below a directory, in the order of bytes. Names are latin1. */
export function listTree(directory: string, options: ListOptions = {}): readonly string[] {
  const lines: string[] = []
  const inodes = new Map<bigint, string>()
  const visit = (path: Buffer, name: string): void => {
    const st = lstatSync(path, { bigint: true })
    const kind = kinds.find(([, is]) => is(st))?.[0] ?? '?'
    const known = inodes.get(st.ino)
    const parts = [name, kind, (st.mode & 0o7777n).toString(8), `${st.uid}:${st.gid}`]
    if (options.times !== false && kind !== 'socket') parts.push(String(st.mtimeNs / 1_000_000_000n))
    if (kind === 'link') parts.push(`-> ${latin1(readlinkSync(path, 'buffer'))}`)
    if (kind === 'char' || kind === 'block') parts.push(String(st.rdev))
    if (kind === 'file') parts.push(`${st.size} ${digestOf(path)}`)
    if (known !== undefined) parts.push(`= ${known}`)
    if (kind !== 'dir' && st.nlink > 1n && known === undefined) inodes.set(st.ino, name)
    lines.push(parts.join(' '))
    if (kind !== 'dir') return
    const names = readdirSync(path, 'buffer').sort(Buffer.compare)
    for (const one of names)
      visit(Buffer.concat([path, Buffer.from('/'), one]), name === '.' ? latin1(one) : `${name}/${latin1(one)}`)
  }
  visit(Buffer.from(directory), '.')
  if (options.xattrs === true) lines.push(...attributesOf(directory))
  return lines
}

const digestOf = (path: Buffer): string => createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16)

/** Extended attributes of all below a directory. Python has the calls; Node has none. */
function attributesOf(directory: string): readonly string[] {
  const script = `
import os, sys
sys.setrecursionlimit(10000)
top = os.fsencode(sys.argv[1])
def show(path, name):
    for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, attribute, follow_symlinks=False)
        print(repr(name), attribute, value.hex())
show(top, b'.')
for dir, dirs, files in os.walk(top):
    dirs.sort()
    for name in sorted(dirs + files):
        path = os.path.join(dir, name)
        show(path, os.path.relpath(path, top))
`
  return python(script, directory)
    .split('\n')
    .filter((line) => line !== '')
}

export const needsPython = needsPrograms('python3')

/** Runs a script of Python, which has calls that Node lacks. */
export function python(script: string, ...args: readonly string[]): string {
  return execFileSync('python3', ['-c', script, ...args], { encoding: 'utf8', maxBuffer: 64 << 20 })
}

export function setXattr(path: string, name: string, value: string): void {
  python(`import os,sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))`, path, name, value)
}

/** 512-byte blocks that a file takes. */
export const blocksOf = (path: string): number => lstatSync(path).blocks

/** Whether a file can be opened; devices and links of a hostile tree are never. */
export function isReadable(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}
