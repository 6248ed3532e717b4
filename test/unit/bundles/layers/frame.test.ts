// SPDX-License-Identifier: Apache-2.0
// Twins: bundles/layers/frame.ts and csrc/files/frame.h.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  decodeEntries,
  type Entry,
  encodeEnd,
  encodeEntry,
  encodeHole,
  encodePiece,
  flags,
  HEADER,
  HOLE,
  NO_ID,
  types,
} from '../../../../bundles/layers/frame.ts'
import { projectDir } from '../../../helpers/work-dir.ts'

const header = readFileSync(join(projectDir, 'csrc/files/frame.h'), 'utf8')

const camel = (name: string): string => name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

test('types of entries are the same in C', () => {
  const found = [...header.matchAll(/^\s*FRAME_(\w+) =\s*'(.)'/gm)].map(([, name = '', letter]) => [
    camel(name),
    letter,
  ])
  assert.equal(Object.fromEntries(found), { ...types, end: 'e' })
})

test('flags and constants are the same in C', () => {
  const defined = [...header.matchAll(/^#define FRAME_(\w+) (\d+)u/gm)].map(([, name = '', value]) => [
    camel(name),
    Number(value),
  ])
  assert.equal(Object.fromEntries(defined), { ...flags, header: HEADER })
  assert.match(header, /#define FRAME_NO_ID UINT32_MAX/)
  assert.is(NO_ID, 0xffffffff)
  assert.match(header, /#define FRAME_HOLE \(UINT64_C\(1\) << 63\)/)
  assert.is(HOLE, 1n << 63n)
})

test('fields lie where the comment in C says', () => {
  const layout = /Little endian: ([\s\S]*?); then path/.exec(header)?.[1]?.replace(/\s*\n \* /g, ' ') ?? ''
  const sizes = [...layout.matchAll(/\b[ui](8|16|32|64)\b ([^,]*)/g)].flatMap(([, bits, what = '']) =>
    what === 'length of path' ? [32, 32, 32] : [Number(bits)],
  )
  assert.is(
    sizes.reduce((sum, bits) => sum + bits, 0),
    HEADER * 8,
    layout,
  )
})

const entry: Required<Omit<Entry, 'inode' | 'pieces' | 'keepMode' | 'keepTime' | 'follow' | 'ifAbsent'>> = {
  type: 'symlink',
  path: 'some/p\xe4th',
  link: 'to/\xff',
  mode: 0o4755,
  uid: 1,
  gid: 4294967294,
  seconds: -5,
  nanoseconds: 999_999_999,
  major: 1,
  minor: 1048575,
  size: 2 ** 52,
  xattrs: new Map([
    ['user.a', Buffer.from('value')],
    ['user.b', Buffer.from('\0\n')],
  ]),
}

test('what is encoded is decoded', () => {
  const decoded = decodeEntries(
    Buffer.concat([encodeEntry(entry), encodeEntry({ type: 'directory', path: '' }), encodeEnd()]),
  )
  assert.is(decoded.length, 2)
  const [{ inode, xattrs, ...rest }] = decoded as [Entry]
  const { xattrs: wanted, ...others } = entry
  assert.equal(rest, others)
  assert.is(inode, 0n)
  assert.equal(
    [...(xattrs ?? [])].map(([name, value]) => [name, String(value)]),
    [...wanted].map(([name, value]) => [name, String(value)]),
  )
  assert.equal([decoded[1]?.path, decoded[1]?.uid, decoded[1]?.gid], ['', NO_ID, NO_ID])
})

test('a stream that is cut off is told', () => {
  const bytes = Buffer.concat([encodeEntry(entry), encodeEnd()])
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeEntries(bytes.subarray(0, length)), /ended early/, `${length}`)
  assert.throws(() => decodeEntries(Buffer.concat([Buffer.alloc(HEADER, 'z')])), /entry of kind/)
})

test('pieces', () => {
  assert.is(encodePiece(5).toString('hex'), '0500000000000000')
  assert.is(encodeHole(2 ** 40).toString('hex'), '0000000000010080')
})

test.run()
