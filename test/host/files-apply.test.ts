// SPDX-License-Identifier: Apache-2.0
// `tsdock-files apply`, as layers and copies use it: what it makes, replaces, hides and refuses.

import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { apply, remove } from '../../bundles/host/files.ts'
import { type Entry, encodeEnd, encodeEntry, encodeHole, encodePiece } from '../../bundles/layers/frame.ts'
import { hostSuite } from '../helpers/suite.ts'
import { applyItems, blocksOf, type Item, listTree, setXattr, needsPython } from '../helpers/tree.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('tsdock-files apply', [needsPython])

async function made(items: readonly Item[]): Promise<readonly string[]> {
  const directory = newDir('tree')
  await applyItems(directory, [{ type: 'directory', path: '' }, ...items])
  return listTree(directory, { xattrs: true }).slice(1)
}

/** Names and types alone, and attributes. */
const brief = async (items: readonly Item[]): Promise<readonly string[]> =>
  (await made(items)).map((line) => line.split(' ').slice(0, 2).join(' '))

async function refused(items: readonly Item[], message: RegExp, directory = newDir('tree')): Promise<void> {
  const outcome = await applyItems(directory, items).then(
    () => 'nothing was refused',
    (e: Error) => e.message,
  )
  assert.match(outcome, message)
}

/** What a stream of bytes gives. */
const applyBytes = (directory: string, ...parts: readonly Uint8Array[]): Promise<void> =>
  apply(directory, async (write) => {
    for (const part of parts) await write(part)
  })

const file = (path: string, contents = ''): Item => ({ type: 'file', path, contents })
const dir = (path: string): Item => ({ type: 'directory', path })

test('makes files of all types with owner, mode, time and attributes', async () => {
  const capability = '0100000200000000000000000000000000000000'
  const xattrs = new Map([
    ['user.a', Buffer.from('1')],
    ['security.capability', Buffer.from(capability, 'hex')],
  ])
  const lines = await made([
    { ...dir('d'), mode: 0o1777, uid: 1, gid: 2, seconds: 5, xattrs: new Map([['user.d', Buffer.from('x')]]) },
    { ...file('d/file', 'text'), mode: 0o6755, uid: 3, gid: 4294967294, seconds: -7, xattrs },
    { type: 'symlink', path: 'd/link', link: '../../etc/passwd', uid: 5, gid: 6, seconds: 8 },
    { type: 'hardLink', path: 'd/hard', link: 'd/file' },
    { type: 'hardLink', path: 'd/soft', link: 'd/link' },
    { type: 'fifo', path: 'd/fifo', mode: 0o600, uid: 7 },
    { type: 'char', path: 'd/null', major: 1, minor: 3, mode: 0o666 },
    { type: 'block', path: 'd/disk', major: 8, minor: 1 },
  ])
  assert.equal(lines, [
    'd dir 1777 1:2 5',
    'd/disk block 644 0:0 1000 2049',
    'd/fifo fifo 600 7:0 1000',
    'd/file file 6755 3:4294967294 -7 4 982d9e3eb996f559',
    'd/hard file 6755 3:4294967294 -7 4 982d9e3eb996f559 = d/file',
    'd/link link 777 5:6 8 -> ../../etc/passwd',
    'd/null char 666 0:0 1000 259',
    'd/soft link 777 5:6 8 -> ../../etc/passwd = d/link',
    "b'd' user.d 78",
    `b'd/file' security.capability ${capability}`,
    "b'd/file' user.a 31",
    `b'd/hard' security.capability ${capability}`,
    "b'd/hard' user.a 31",
  ])
})

test('a later entry takes the place of an earlier one', async () => {
  const lines = await brief([
    dir('a'),
    dir('a/sub'),
    file('a/sub/x'),
    file('a', 'now a file'),
    { type: 'symlink', path: 'b', link: 'a' },
    dir('b'),
    file('b/x'),
    file('c', '1'),
    { type: 'fifo', path: 'c' },
    dir('d'),
    file('d/keep'),
    dir('d'),
    file('e'),
    dir('e'),
    file('e', 'and back'),
  ])
  assert.equal(lines, ['a file', 'b dir', 'b/x file', 'c fifo', 'd dir', 'd/keep file', 'e file'])
})

test('a file in the place of a hard link leaves the other name alone; a link to itself is none', async () => {
  const lines = await made([
    file('a', 'old'),
    { type: 'hardLink', path: 'b', link: 'a' },
    file('b', 'new'),
    { type: 'hardLink', path: 'a', link: 'a' },
    { type: 'hardLink', path: './a'.slice(2), link: 'a' },
  ])
  assert.is(lines.length, 2)
  assert.is(new Set(lines.map((line) => line.split(' ').at(-1))).size, 2, lines.join('\n'))
})

test('whiteouts hide what lies below, but not what the same layer has', async () => {
  const lines = await brief([
    { type: 'whiteout', path: 'gone' },
    { type: 'whiteout', path: 'deep/er/gone' },
    file('file-before'),
    { type: 'whiteout', path: 'file-before' },
    { type: 'whiteout', path: 'file-after' },
    file('file-after'),
    dir('dir-before'),
    { type: 'whiteout', path: 'dir-before' },
    { type: 'whiteout', path: 'dir-after' },
    dir('dir-after'),
    { type: 'whiteout', path: 'implied' },
    file('implied/x'),
    { type: 'whiteout', path: 'opaque-too' },
    { type: 'opaque', path: 'opaque-too' },
    file('opaque-last/x'),
    { type: 'opaque', path: 'opaque-last' },
    { type: 'opaque', path: 'opaque-first' },
    file('opaque-first/x'),
  ])
  const opaque = ['dir-after', 'dir-before', 'implied', 'opaque-first', 'opaque-last', 'opaque-too']
  assert.equal(lines, [
    'deep dir',
    'deep/er dir',
    'deep/er/gone char',
    'dir-after dir',
    'dir-before dir',
    'file-after file',
    'file-before file',
    'gone char',
    'implied dir',
    'implied/x file',
    'opaque-first dir',
    'opaque-first/x file',
    'opaque-last dir',
    'opaque-last/x file',
    'opaque-too dir',
    ...opaque.map((name) => `b'${name}' trusted.overlay.opaque`),
  ])
})

test('directories without an entry are as the layers below have them', async () => {
  const [top, middle, bottom] = ['top', 'middle', 'bottom'].map((name) => newDir(name)) as [string, string, string]
  await applyItems(bottom, [
    { ...dir('tmp'), mode: 0o1777, uid: 7, seconds: 50, xattrs: new Map([['user.x', Buffer.from('1')]]) },
    { ...dir('tmp/sub'), mode: 0o700, uid: 8, seconds: 60 },
    { ...dir('hidden'), mode: 0o700 },
    { ...dir('opaque'), mode: 0o700 },
    { ...dir('opaque/sub'), mode: 0o700 },
    { ...dir('file'), mode: 0o700 },
  ])
  await applyItems(middle, [
    { ...dir('tmp'), mode: 0o1770, uid: 9, seconds: 70 },
    { type: 'whiteout', path: 'hidden' },
    { type: 'opaque', path: 'opaque' },
    file('file'),
    { type: 'symlink', path: 'link', link: 'tmp' },
  ])
  const paths = ['tmp/sub/x', 'hidden/x', 'opaque/sub/x', 'file/x', 'link/x', 'nowhere/x', 'cut/x']
  await applyItems(top, [{ type: 'whiteout', path: 'cut' }, ...paths.map((path) => file(path))], {
    below: [middle, bottom],
  })
  const found = listTree(top, { times: false, xattrs: true }).filter((line) => / dir |b'tmp/.test(line))
  assert.equal(found.slice(1), [
    'cut dir 755 0:0',
    'file dir 755 0:0',
    'hidden dir 755 0:0',
    'link dir 755 0:0',
    'nowhere dir 755 0:0',
    // Made opaque in the middle, where it got a mode of its own.
    'opaque dir 755 0:0',
    'opaque/sub dir 755 0:0',
    'tmp dir 1770 9:0',
    'tmp/sub dir 700 8:0',
  ])
  assert.equal([statSync(join(top, 'tmp')).mtimeMs, statSync(join(top, 'tmp/sub')).mtimeMs], [70_000, 60_000])
})

test('attributes that are marks of overlay, or labels of the host, are not set', async () => {
  const names = [
    'trusted.overlay.opaque',
    'trusted.overlay.redirect',
    'user.overlay.opaque',
    'trusted.x',
    'security.selinux',
    'system.x',
    'x',
    '',
  ]
  const lines = await made([
    { ...file('a'), xattrs: new Map([...names, 'user.kept'].map((name) => [name, Buffer.from('y')])) },
  ])
  assert.equal(lines.slice(1), ["b'a' user.kept 79"])
})

test('blocks of zeros become holes, pieces may be holes', async () => {
  const directory = newDir('tree')
  const size = 40 * 2 ** 30
  const pieces = [encodePiece(5), Buffer.from('begin'), encodeHole(size - 10), encodePiece(5), Buffer.from('end.\n')]
  const zeros = Buffer.alloc(1 << 20)
  zeros.write('x', 500_000)
  const start = performance.now()
  await applyBytes(
    directory,
    encodeEntry({ type: 'file', path: 'huge', mode: 0o644, size, pieces: true }),
    ...pieces,
    encodeEntry({ type: 'file', path: 'zeros', mode: 0o644, size: zeros.length }),
    zeros,
    encodeEntry({ type: 'file', path: 'hole', mode: 0o644, size: 2 ** 30, pieces: true }),
    encodeHole(2 ** 30),
    encodeEnd(),
  )
  assert.ok(performance.now() - start < 10_000, `${performance.now() - start} ms`)
  assert.is(statSync(join(directory, 'huge')).size, size)
  assert.ok(blocksOf(join(directory, 'huge')) <= 64)
  assert.ok(readFileSync(join(directory, 'zeros')).equals(zeros))
  assert.ok(blocksOf(join(directory, 'zeros')) <= 32, `${blocksOf(join(directory, 'zeros'))} blocks`)
  assert.is(statSync(join(directory, 'hole')).size, 2 ** 30)
})

test('copies keep holes', async () => {
  const [source, directory] = [newDir('source'), newDir('tree')]
  writeFileSync(join(source, 'sparse'), 'begin')
  truncateSync(join(source, 'sparse'), 30 * 2 ** 30)
  writeFileSync(join(source, 'sparse'), 'end', { flag: 'a' })
  writeFileSync(join(source, 'tail'), 'x')
  truncateSync(join(source, 'tail'), 10 * 2 ** 30)
  utimesSync(join(source, 'sparse'), 77, 77)
  const start = performance.now()
  await applyItems(
    directory,
    ['sparse', 'tail'].map((name) => ({ type: 'copy', path: name, link: name, keepMode: true, keepTime: true })),
    { source, merge: true },
  )
  assert.ok(performance.now() - start < 10_000, `${performance.now() - start} ms`)
  assert.is(statSync(join(directory, 'sparse')).size, 30 * 2 ** 30 + 3)
  assert.is(statSync(join(directory, 'sparse')).mtimeMs, 77_000)
  assert.is(statSync(join(directory, 'tail')).size, 10 * 2 ** 30)
  assert.ok(blocksOf(join(directory, 'sparse')) <= 64 && blocksOf(join(directory, 'tail')) <= 64)
})

test('what is there stays, and its contents are passed over', async () => {
  const directory = newDir('tree')
  writeFileSync(join(directory, 'there'), 'old')
  await applyItems(directory, [
    { ...file('there', 'new'), ifAbsent: true },
    { ...file('missing', 'new'), ifAbsent: true },
    file('last', 'x'),
  ])
  assert.equal(
    ['there', 'missing', 'last'].map((name) => readFileSync(join(directory, name), 'utf8')),
    ['old', 'new', 'x'],
  )
})

test('a copy into a container keeps its directories, and never puts a file in their place', async () => {
  const directory = newDir('tree')
  mkdirSync(join(directory, 'd'), { mode: 0o710 })
  writeFileSync(join(directory, 'd/old'), 'old')
  await applyItems(directory, [{ ...dir('d'), mode: 0o700 }, file('d/new')], { merge: true })
  assert.equal(
    listTree(directory, { times: false })
      .slice(1, 3)
      .map((line) => line.slice(0, 11)),
    ['d dir 710 0', 'd/new file '],
  )
  const outcome = await applyItems(directory, [file('d')], { merge: true }).then(String, (e: Error) => e.message)
  assert.match(outcome, /a file in the place of the directory "d": is a directory \(EISDIR\)/)
  assert.ok(existsSync(join(directory, 'd/old')))
})

test('names that are not UTF-8, and names that are long', async () => {
  const long = 'n'.repeat(255)
  const deep = Array.from({ length: 15 }, () => 'd'.repeat(250)).join('/')
  const lines = await made([
    file('\xff\xfe', 'x'),
    file(`two\nlines`),
    file(long),
    file(`${deep}/x`),
    file('-rf'),
    file(' '),
  ])
  const names = lines.map((line) => line.split(/ (?:file|dir)/)[0])
  for (const name of ['\xff\xfe', 'two\nlines', long, `${deep}/x`, '-rf', ' ']) assert.ok(names.includes(name), name)
  await refused([file('n'.repeat(256))], /ENAMETOOLONG/)
  await refused([file(`${'d/'.repeat(2100)}x`)], /ENAMETOOLONG/)
})

test(
  'thousands of levels',
  async () => {
    const directory = newDir('tree')
    await applyItems(directory, [file(`${'d/'.repeat(2000)}x`, 'deep')])
    assert.is(listTree(directory).length, 2002)
    await remove(directory)
    assert.not.ok(existsSync(directory))
  },
  { timeoutMs: 120_000 },
)

test('paths that climb, links without a target and impossible entries are refused', async () => {
  await refused([file('../x')], /the path "\.\.\/x"/)
  await refused([file('a/../../x')], /the path/)
  await refused([{ type: 'hardLink', path: 'a', link: '../../etc/passwd' }], /hard link "a": the path/)
  await refused([{ type: 'hardLink', path: 'a', link: 'missing' }], /linkat "a" to "missing": .*ENOENT/)
  await refused([dir('d'), { type: 'hardLink', path: 'a', link: 'd' }], /linkat "a" to "d": .*EPERM/)
  await refused([file('')], /the top of the tree as ""/)
  await refused([file('.')], /the path "\."/)
  await refused([{ type: 'char', path: 'a', major: 0, minor: 0 }], /the device number 0:0 of "a"/)
  await refused([{ type: 'char', path: 'a', major: 4096, minor: 0 }], /the device number 4096:0/)
  await refused([{ type: 'char', path: 'a', major: 1, minor: 1 << 20 }], /the device number 1:1048576/)
  await refused([{ type: 'copy', path: 'a', link: 'b' }], /a copy without --source/)
  await refused([file('f'), file('f/x')], /openat2 "f": not a directory \(ENOTDIR\)/)
})

test('streams that are cut off or damaged are refused', async () => {
  const entry: Entry = { type: 'file', path: 'f', size: 3, mode: 0o644, pieces: true }
  const damaged: Record<string, readonly Uint8Array[]> = {
    'ended early': [encodeEntry(entry).subarray(0, 60)],
    'a piece of "f"': [encodeEntry(entry), encodePiece(4)],
    'a piece of "f": ': [encodeEntry(entry), encodePiece(0)],
    'ended early \\(EPIPE\\)|ended early:': [encodeEntry({ ...entry, pieces: false }), Buffer.from('ab')],
    'an entry of kind 122|an entry of the stream': [Buffer.alloc(64, 'z')],
    'a path with a NUL': [encodeEntry({ ...entry, path: 'a\0b' })],
  }
  for (const [message, parts] of Object.entries(damaged)) {
    const outcome = await applyBytes(newDir('tree'), ...parts).then(String, (e: Error) => e.message)
    assert.match(outcome, new RegExp(message))
  }
})

test('a failure is told at once, however much is still to be sent', async () => {
  const directory = newDir('tree')
  setXattr(directory, 'user.x', '00')
  let sent = 0
  const outcome = await apply(directory, async (write) => {
    await write(encodeEntry({ type: 'hardLink', path: 'a', link: 'missing' }))
    await write(encodeEntry({ type: 'file', path: 'b', size: 2 ** 40 }))
    const chunk = Buffer.alloc(1 << 16)
    for (; sent < 2 ** 34; sent += chunk.length) await write(chunk)
  }).then(String, (e: Error) => e.message)
  assert.match(outcome, /linkat "a" to "missing"/)
  assert.ok(sent < 2 ** 28, `${sent} bytes`)
})

test('links in a tree lead nowhere outside of it', async () => {
  const outside = newDir('outside')
  const directory = newDir('tree')
  symlinkSync(outside, join(directory, 'abs'))
  symlinkSync('../../../../../../..', join(directory, 'up'))
  await applyItems(directory, [file('up/in-the-top', 'x')], { merge: true })
  assert.ok(existsSync(join(directory, 'in-the-top')))
  await refused([file('abs/x')], /openat2 "abs": no such file/, directory)
  mkdirSync(join(directory, outside), { recursive: true })
  await applyItems(directory, [file('abs/x', 'inside')], { merge: true })
  assert.is(readFileSync(join(directory, outside, 'x'), 'utf8'), 'inside')
  assert.equal(listTree(outside).length, 1)
})

run()
