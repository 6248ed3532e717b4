// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cleanPath, defaultLimits, FrameMaker, layerEntry, type Limits } from '../../../../bundles/layers/apply.ts'
import { decodeEntries, type Entry } from '../../../../bundles/layers/frame.ts'
import { archive, onlyOf, paxHeader, type RawHeader, rawEntry, readTar } from '../../../helpers/tar.ts'

const entryOf = (raw: RawHeader): Entry | undefined => layerEntry(onlyOf(readTar(archive(rawEntry(raw)))))

test('names become paths of entries', () => {
  for (const [name, path] of Object.entries({
    './': '',
    '.': '',
    '/': '',
    '': '',
    './a': 'a',
    '/a/b': 'a/b',
    'a//b/': 'a/b',
    './a/./b/.': 'a/b',
    '...': '...',
    'a..b/..c': 'a..b/..c',
  }))
    assert.is(cleanPath(name), path)
})

test('names that climb are refused', () => {
  for (const name of ['..', '../a', 'a/../b', '/..', 'a/..', './../a', 'a//../b'])
    assert.throws(() => cleanPath(name), /has "\.\." in its path/, name)
  assert.throws(() => entryOf({ name: 'a', type: '1', link: '../../etc/passwd' }), /has "\.\."/)
})

test('a symlink may say what it likes; a hard link names an entry', () => {
  assert.is(entryOf({ name: 'a', type: '2', link: '../../etc/passwd' })?.link, '../../etc/passwd')
  assert.is(entryOf({ name: 'a', type: '1', link: '/etc/./passwd' })?.link, 'etc/passwd')
})

test('whiteouts (layer.md#whiteouts)', () => {
  assert.equal(entryOf({ name: 'a/.wh.b' }), { type: 'whiteout', path: 'a/b' })
  assert.equal(entryOf({ name: './.wh.b', type: '5' }), { type: 'whiteout', path: 'b' })
  assert.equal(entryOf({ name: 'a/b/.wh..wh..opq' }), { type: 'opaque', path: 'a/b' })
  assert.equal(entryOf({ name: '.wh..wh..opq' }), { type: 'opaque', path: '' })
})

test('marks of aufs are passed over', () => {
  for (const name of ['.wh..wh.aufs', '.wh..wh.plnk/', '.wh..wh.plnk/12.34', 'a/.wh..wh.orph/x'])
    assert.is(entryOf({ name }), undefined, name)
})

test('whiteouts that hide a directory itself, or hold something, are refused', () => {
  for (const name of ['.wh.', 'a/.wh.', '.wh..', 'a/.wh...'])
    assert.throws(() => entryOf({ name }), /the whiteout/, name)
  assert.throws(() => entryOf({ name: '.wh.a/b' }), /lies in a whiteout/)
})

test('unknown types are refused', () => {
  for (const type of ['M', 'V', 'D', 'N', 'Z']) assert.throws(() => entryOf({ name: 'a', type }), /unknown type/)
})

function framesOf(bytes: Buffer, limits: Limits = defaultLimits, chunkSize = 1000): FrameMaker {
  const maker = new FrameMaker(layerEntry, limits)
  for (let at = 0; at < bytes.length; at += chunkSize) maker.push(bytes.subarray(at, at + chunkSize))
  maker.finish()
  return maker
}

test('entries and contents become frames', () => {
  const maker = framesOf(archive(rawEntry({ name: 'd/', type: '5' }), rawEntry({ name: '.wh.x', data: 'ignored' })))
  const paths = decodeEntries(Buffer.from(maker.take())).map(({ type, path }) => `${type} ${path}`)
  assert.equal(paths, ['directory d', 'whiteout x'])
  assert.is(maker.entries, 2)
})

test('holes become frames without contents', () => {
  const sparse = [
    paxHeader({ 'GNU.sparse.map': '1099511627774,2', 'GNU.sparse.size': '1099511627776' }),
    rawEntry({ name: 'x', data: 'ab' }),
  ]
  const frames = Buffer.from(framesOf(archive(...sparse), { bytes: 2 ** 50, entries: 10 }).take())
  assert.ok(frames.length < 300, `${frames.length}`)
  const at = 64 + 1
  assert.is(frames[1], 16)
  assert.is(frames.readBigUInt64LE(at), (1n << 63n) | 1099511627774n)
  assert.is(frames.readBigUInt64LE(at + 8), 2n)
  assert.is(frames.toString('latin1', at + 16, at + 18), 'ab')
})

test('more entries than allowed are a bomb', () => {
  const many = archive(...Array.from({ length: 11 }, (_, i) => rawEntry({ name: `f${i}` })))
  assert.ok(framesOf(many, { bytes: 1000, entries: 11 }))
  assert.throws(() => framesOf(many, { bytes: 1000, entries: 10 }), /more than 10 entries/)
})

test('more bytes than allowed are a bomb, before they are written', () => {
  const big = archive(rawEntry({ name: 'a', data: 'x'.repeat(600) }), rawEntry({ name: 'b', data: 'x'.repeat(401) }))
  assert.ok(framesOf(big, { bytes: 1001, entries: 10 }))
  assert.throws(() => framesOf(big, { bytes: 1000, entries: 10 }), /more than 1000 bytes/)
  const hole = archive(paxHeader({ 'GNU.sparse.map': '0,0', 'GNU.sparse.size': '1001' }), rawEntry({ name: 'x' }))
  assert.throws(() => framesOf(hole, { bytes: 1000, entries: 10 }), /more than 1000 bytes/)
})

test('headers without end are a bomb', () => {
  const headers = Buffer.concat(Array.from({ length: 100 }, () => paxHeader({ comment: 'x'.repeat(400) }, 'g')))
  assert.throws(() => framesOf(headers, { bytes: 1000, entries: 10 }), /bytes of headers and contents/)
})

test.run()
