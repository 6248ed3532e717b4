// SPDX-License-Identifier: Apache-2.0
// Archives that GNU tar and bsdtar write, in all formats that they know, are read as what was archived.

import { spawnSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TarReader } from '../../../../bundles/layers/tar-read.ts'
import { newDir } from '../../../helpers/work-dir.ts'
import { readTar } from '../../../helpers/tar.ts'

/** Runs an archiver. Undefined: it is not here. */
function archiveWith(program: string, args: readonly string[], directory: string): Buffer | undefined {
  const result = spawnSync(program, [...args, '-cf', '-', '-C', directory, '.'], { maxBuffer: 256 << 20 })
  if (result.error !== undefined) return undefined
  assert.is(result.status, 0, String(result.stderr))
  return result.stdout
}

/** Writes a file with data at some places, and holes between them. */
function writeSparse(path: string, size: number, data: Readonly<Record<number, string>>): void {
  const fd = openSync(path, 'w')
  ftruncateSync(fd, size)
  for (const [at, text] of Object.entries(data)) writeSync(fd, text, Number(at))
  closeSync(fd)
}

const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i * 65536, `part ${i}`]))
const sparseFiles: Readonly<Record<string, readonly [size: number, data: Readonly<Record<number, string>>]>> = {
  'data-first': [1 << 20, { 0: 'first' }],
  'data-last': [1 << 20, { [(1 << 20) - 4]: 'last' }],
  'data-between': [3 << 20, { 1000000: 'middle', 2000000: 'more' }],
  'nothing-but-a-hole': [1 << 20, {}],
  'many-parts': [100 * 65536, many],
  ['long-name-'.repeat(12)]: [1 << 20, { 500000: 'x' }],
}

function sparseTree(): string {
  const directory = newDir('sparse')
  for (const [name, [size, data]] of Object.entries(sparseFiles)) writeSparse(join(directory, name), size, data)
  writeFileSync(join(directory, 'plain'), 'not sparse')
  return directory
}

const sparseFormats = [
  '--format=gnu',
  '--format=oldgnu',
  ...['0.0', '0.1', '1.0'].map((v) => `--format=pax --sparse-version=${v}`),
]

for (const format of sparseFormats) {
  test(`sparse files of GNU tar ${format}`, () => {
    const directory = sparseTree()
    const bytes = archiveWith('tar', ['--sparse', '--hole-detection=seek', ...format.split(' ')], directory)
    if (bytes === undefined) return
    assert.ok(bytes.length < 3 << 20, `${bytes.length} bytes: no sparse archive`)
    for (const size of [bytes.length, 4096, 100]) {
      const entries = readTar(bytes, size)
      for (const name of [...Object.keys(sparseFiles), 'plain']) {
        const found = entries.find((entry) => entry.name === `./${name}`)
        assert.ok(found?.contents.equals(readFileSync(join(directory, name))), `${name} in chunks of ${size}`)
      }
    }
  })
}

test('sparse files of bsdtar', () => {
  const directory = sparseTree()
  const bytes = archiveWith('bsdtar', ['--format=pax'], directory)
  if (bytes === undefined) return
  for (const entry of readTar(bytes).filter(({ type }) => type === '0'))
    assert.ok(entry.contents.equals(readFileSync(join(directory, entry.name))), entry.name)
})

/** Names, kinds, contents and times of all sorts. */
function richTree(): string {
  const directory = newDir('rich')
  const deep = join(directory, 'deep/'.repeat(40), 'x'.repeat(100))
  mkdirSync(deep, { recursive: true })
  writeFileSync(join(deep, 'y'.repeat(120)), 'deep')
  writeFileSync(join(directory, 'ünïcödé €'), 'unicode')
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/raw-`), Buffer.from([0xff, 0xfe])]), 'bytes')
  writeFileSync(join(directory, 'two\nlines'), '')
  for (const size of [511, 512, 513, 100000]) writeFileSync(join(directory, `size-${size}`), 'x'.repeat(size))
  linkSync(join(directory, 'size-512'), join(directory, 'size-512-too'))
  symlinkSync('l'.repeat(300), join(directory, 'symlink'))
  symlinkSync('../../../../etc/passwd', join(directory, 'climbs'))
  utimesSync(join(directory, 'size-511'), 1, 1)
  return directory
}

for (const [program, format] of [
  ['tar', 'v7'],
  ['tar', 'ustar'],
  ['tar', 'gnu'],
  ['tar', 'oldgnu'],
  ['tar', 'pax'],
  ['bsdtar', 'ustar'],
  ['bsdtar', 'gnutar'],
  ['bsdtar', 'pax'],
] as const) {
  test(`${program} --format=${format}`, () => {
    const directory = richTree()
    // What these formats cannot hold is left out by their writers, which say so.
    const small = format === 'v7' || format === 'ustar'
    const skip = small ? ['--exclude=deep', '--exclude=symlink'] : []
    const bytes = archiveWith(program, [`--format=${format}`, ...skip], directory)
    if (bytes === undefined) return
    const entries = new Map(
      readTar(bytes, 1000).map((entry) => [entry.name.replace(/^\.\//, '').replace(/\/$/, ''), entry]),
    )
    const utf8 = Buffer.from('ünïcödé €').toString('latin1')
    assert.is(String(entries.get(utf8)?.contents), 'unicode')
    assert.is(String(entries.get('raw-\xff\xfe')?.contents), 'bytes')
    assert.is(entries.get('two\nlines')?.size, 0)
    assert.is(entries.get('size-100000')?.contents.length, 100000)
    assert.is(entries.get('size-511')?.time, 1)
    assert.is(entries.get('climbs')?.link, '../../../../etc/passwd')
    const links = [entries.get('size-512'), entries.get('size-512-too')].map((entry) => entry?.type)
    assert.equal(links.toSorted(), ['0', '1'])
    if (small) return
    assert.is(entries.get('symlink')?.link, 'l'.repeat(300))
    const deep = `${'deep/'.repeat(40)}${'x'.repeat(100)}/${'y'.repeat(120)}`
    assert.is(String(entries.get(deep)?.contents), 'deep')
  })
}

test('attributes of GNU tar, with keys that have to be escaped', () => {
  const directory = newDir('attributes')
  const path = join(directory, 'file')
  writeFileSync(path, 'x')
  const set = `import os,sys
for name in ('user.plain', 'user.a=b', 'user.100%', 'user.%3D'): os.setxattr(sys.argv[1], name, b'\\0\\n=' + name.encode())`
  const made = spawnSync('python3', ['-c', set, path])
  if (made.status !== 0) return
  const bytes = archiveWith('tar', ['--format=pax', '--xattrs', '--xattrs-include=user.*'], directory)
  const file = readTar(bytes ?? Buffer.alloc(0)).find(({ name }) => name === './file')
  const read = [...(file?.xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
  assert.equal(
    read.toSorted(),
    ['user.%3D', 'user.100%', 'user.a=b', 'user.plain'].map((name) => [name, `\0\n=${name}`]),
  )
})

test('owners and sizes that do not fit ustar', () => {
  const directory = newDir('large')
  const path = join(directory, 'file')
  writeFileSync(path, '')
  truncateSync(path, 9 * 2 ** 30)
  for (const format of ['gnu', 'pax']) {
    const args = [
      '--sparse',
      '--hole-detection=seek',
      `--format=${format}`,
      '--owner=:3000000',
      '--group=:4294967294',
      '--mtime=@9999999999.5',
    ]
    const bytes = archiveWith('tar', args, directory) ?? Buffer.alloc(0)
    const seen: unknown[] = []
    const reader = new TarReader({
      header: ({ name, size, uid, gid, time }) => name === './file' && seen.push(size, uid, gid, time),
      data: () => assert.unreachable('data in a hole'),
      hole: (length) => seen.push(length),
    })
    reader.push(bytes)
    reader.finish()
    assert.equal(seen, [9 * 2 ** 30, 3000000, 4294967294, 9999999999, 9 * 2 ** 30], format)
  }
})

test.run()
