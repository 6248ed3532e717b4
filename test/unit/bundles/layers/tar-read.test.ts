// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TarError, TarReader } from '../../../../bundles/layers/tar-read.ts'
import {
  archive,
  onlyOf,
  paxHeader,
  type RawHeader,
  type ReadEntry,
  rawEntry,
  readTar,
  record,
} from '../../../helpers/tar.ts'
import { sequence } from '../../spec/mutate.ts'

const only = (...parts: Buffer[]): ReadEntry => onlyOf(readTar(archive(...parts)))

const refused = (what: RegExp, ...parts: Buffer[]): void => {
  try {
    readTar(archive(...parts))
  } catch (e: unknown) {
    assert.instance(e, TarError)
    assert.match((e as Error).message, what)
    return
  }
  assert.unreachable(`not refused: ${what}`)
}

test('v7: no magic, numbers with spaces', () => {
  const entry = only(
    rawEntry({
      name: 'a',
      type: '\0',
      magic: '',
      mode: '   644 \0',
      uid: '  1750 \0',
      mtime: '      12345 ',
      data: 'hello',
    }),
  )
  assert.is(entry.type, '0')
  assert.is(entry.mode, 0o644)
  assert.is(entry.uid, 1000)
  assert.is(entry.time, 0o12345)
  assert.is(String(entry.contents), 'hello')
})

test('v7 and BSD: a slash at the end makes a directory, whose contents are passed over', () => {
  for (const type of ['\0', '0']) {
    const entries = readTar(archive(rawEntry({ name: 'd/', type, data: 'xyz' }), rawEntry({ name: 'f' })))
    assert.equal(
      entries.map(({ name, type, size }) => [name, type, size]),
      [
        ['d/', '5', 0],
        ['f', '0', 0],
      ],
    )
  }
})

test('ustar: a prefix goes before the name; in GNU headers there is none, in those of star it is shorter', () => {
  assert.is(only(rawEntry({ name: 'name', prefix: 'some/where' })).name, 'some/where/name')
  assert.is(only(rawEntry({ name: 'name', prefix: 'some/where', magic: 'ustar  \0' })).name, 'name')
  const star = { 508: 'tar\0', 476: '00000001750 ' }
  assert.is(only(rawEntry({ name: 'name', prefix: 'p'.repeat(131), bytes: star })).name, `${'p'.repeat(131)}/name`)
})

test('ustar: names that fill their fields have no NUL', () => {
  const entry = only(rawEntry({ name: 'n'.repeat(100), prefix: 'p'.repeat(155), type: '2', link: 'l'.repeat(100) }))
  assert.is(entry.name, `${'p'.repeat(155)}/${'n'.repeat(100)}`)
  assert.is(entry.link, 'l'.repeat(100))
})

test('GNU: long names and long links hold for one entry', () => {
  const long = 'x/'.repeat(300)
  const entries = readTar(
    archive(
      rawEntry({ name: '././@LongLink', type: 'L', data: `${long}\0` }),
      rawEntry({ name: '././@LongLink', type: 'K', data: `${long}to\0` }),
      rawEntry({ name: 'short', type: '2', link: 'short' }),
      rawEntry({ name: 'next', type: '2', link: 'to' }),
    ),
  )
  assert.equal(
    entries.map(({ name, link }) => [name, link]),
    [
      [long, `${long}to`],
      ['next', 'to'],
    ],
  )
})

test('GNU: numbers of base 256, negative ones too', () => {
  const entry = only(
    rawEntry({
      name: 'a',
      uid: Buffer.from([0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]),
      mtime: Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
    }),
  )
  assert.is(entry.uid, 0x7fffffff)
  assert.is(entry.time, -2)
  refused(
    /size is out of range/,
    rawEntry({ name: 'a', size: Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 255)]) }),
  )
  refused(/negative size/, rawEntry({ name: 'a', size: Buffer.alloc(12, 255) }))
})

test('pax: records of an entry go before the header, and hold for it alone', () => {
  const entries = readTar(
    archive(
      paxHeader({
        path: 'ä'.repeat(200),
        linkpath: 'to',
        uid: '4000000',
        gid: '5',
        mtime: '1234567890.123456789',
        size: '3',
      }),
      rawEntry({ name: 'x', uid: '0000001', data: 'abc', size: '00000000000' }),
      rawEntry({ name: 'y', uid: '0000002' }),
    ),
  )
  const [first, second] = entries
  assert.is(first?.name, 'ä'.repeat(200))
  assert.equal([first?.uid, first?.gid, first?.size, String(first?.contents)], [4000000, 5, 3, 'abc'])
  assert.equal([first?.time, first?.nanoseconds], [1234567890, 123456789])
  assert.equal([second?.name, second?.uid, second?.time], ['y', 2, 1000])
})

test('pax: times before 1970 and of half a nanosecond', () => {
  const times = (mtime: string) => {
    const { time, nanoseconds } = only(paxHeader({ mtime }), rawEntry({ name: 'x' }))
    return [time, nanoseconds]
  }
  assert.equal(times('-1.25'), [-2, 750_000_000])
  assert.equal(times('-5'), [-5, 0])
  assert.equal(times('0.0000000005'), [0, 0])
  assert.equal(times('7.'), [7, 0])
  for (const mtime of ['1e3', '0x10', 'x', ' 1', '1 ', '--1', '.5', '9'.repeat(30)])
    refused(/mtime is no number/, paxHeader({ mtime }), rawEntry({ name: 'x' }))
})

test('pax: global records hold until they are changed, and an entry may take them back', () => {
  const entries = readTar(
    archive(
      paxHeader({ uid: '7', gid: '8', comment: 'c' }, 'g'),
      rawEntry({ name: 'a' }),
      paxHeader({ uid: '9' }),
      rawEntry({ name: 'b' }),
      paxHeader({ uid: '' }),
      rawEntry({ name: 'c', uid: '0000003' }),
      rawEntry({ name: 'd' }),
      paxHeader({ uid: '' }, 'g'),
      rawEntry({ name: 'e', uid: '0000004' }),
    ),
  )
  assert.equal(
    entries.map(({ name, uid, gid }) => `${name} ${uid} ${gid}`),
    ['a 7 8', 'b 9 8', 'c 3 8', 'd 7 8', 'e 4 8'],
  )
})

test('pax: attributes are bytes, may be empty, and have keys as GNU tar writes them', () => {
  const { xattrs } = only(
    paxHeader({ 'SCHILY.xattr.user.a': 'a\n=\0ÿ', 'SCHILY.xattr.user.empty': '', 'SCHILY.xattr.user.b%3Dc%25': '1' }),
    rawEntry({ name: 'a' }),
  )
  assert.equal(
    [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
    [
      ['user.a', 'a\n=\0ÿ'],
      ['user.empty', ''],
      ['user.b=c%', '1'],
    ],
  )
})

test('pax: malformed records are refused', () => {
  const wrong = [
    '0 a=b\n',
    '5 a=b\n',
    '6 a=bX',
    '99 a=b\n',
    'x a=b\n',
    ' 6 a=b\n',
    '6a=b\n',
    '-6 a=b\n',
    '6 abcd',
    '06 a=b\n',
    '8 ab',
  ]
  for (const data of wrong) refused(/malformed pax record/, rawEntry({ type: 'x', data }), rawEntry({ name: 'a' }))
  for (const [key, value] of Object.entries({ size: '-1', uid: '1.5', gid: 'root', path: 'a\0b' }))
    refused(/no number|NUL/, paxHeader({ [key]: value }), rawEntry({ name: 'a' }))
  assert.is(record('a', 'b'), '6 a=b\n')
})

test('ids out of range are refused, not cut (CVE-2024-40635)', () => {
  for (const uid of ['4294967295', '4294967296', '18446744073709551616'])
    refused(/uid/, paxHeader({ uid }), rawEntry({ name: 'a' }))
  refused(/gid/, rawEntry({ name: 'a', gid: Buffer.from([0x80, 0, 0, 1, 0, 0, 0, 0]) }))
  refused(/uid/, rawEntry({ name: 'a', uid: Buffer.alloc(8, 255) }))
  assert.is(only(paxHeader({ uid: '4294967294' }), rawEntry({ name: 'a' })).uid, 4294967294)
})

test('what readers do not agree on is refused', () => {
  refused(/two long names/, rawEntry({ type: 'L', data: 'a\0' }), paxHeader({ path: 'b' }), rawEntry({ name: 'c' }))
  refused(/two extended headers/, paxHeader({ path: 'a' }), paxHeader({ path: 'b' }), rawEntry({ name: 'c' }))
  refused(/behind the end/, Buffer.alloc(512), rawEntry({ name: 'c' }))
})

test('links, devices and directories have no contents, whatever their size says', () => {
  for (const type of ['1', '2', '3', '4', '5', '6']) {
    const entries = readTar(
      archive(rawEntry({ name: 'a', type, size: '00000001000' }), rawEntry({ name: 'b', data: 'x' })),
    )
    assert.equal(
      entries.map(({ name, size }) => `${name} ${size}`),
      ['a 0', 'b 1'],
      type,
    )
  }
})

test('the end: two blocks of zeros, one, or none; what follows is not read', () => {
  const entry = rawEntry({ name: 'a', data: 'x' })
  for (const tail of [0, 512, 1024, 10240]) assert.is(readTar(Buffer.concat([entry, Buffer.alloc(tail)])).length, 1)
  assert.is(readTar(Buffer.concat([entry, Buffer.alloc(1024), Buffer.from('junk')])).length, 1)
  assert.is(readTar(Buffer.alloc(0)).length, 0)
})

test('an archive that is cut off anywhere is refused', () => {
  const whole = Buffer.concat([
    rawEntry({ name: 'a', data: 'x'.repeat(700) }),
    paxHeader({ path: 'long' }),
    rawEntry({ name: 'b' }),
  ])
  const good = new Set([0, 512 + 1024, whole.length])
  for (let length = 0; length <= whole.length; length += 64) {
    if (good.has(length)) assert.ok(readTar(whole.subarray(0, length)))
    else assert.throws(() => readTar(whole.subarray(0, length)), /middle of an entry/, `${length}`)
  }
})

test('damaged headers are refused; signed sums of old writers are not', () => {
  const bad = rawEntry({ name: 'a' })
  bad[0] = 98
  refused(/wrong checksum/, bad)
  refused(/mode is no number/, rawEntry({ name: 'a', mode: '0000x44' }))
  refused(/extended header of/, rawEntry({ type: 'x', size: '77777777777' }))
  const old = rawEntry({ name: '\xe4' })
  const signed = [...old].reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte > 127 ? byte - 256 : byte), 0)
  old.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148)
  assert.is(only(old).name, '\xe4')
})

test('chunks of any size give the same', () => {
  const parts = [
    rawEntry({ name: 'a', data: 'x'.repeat(1000) }),
    paxHeader({ path: 'p'.repeat(600), 'SCHILY.xattr.user.a': 'v'.repeat(700) }),
    rawEntry({ name: 'b', data: 'y' }),
    rawEntry({ type: 'L', data: `${'n'.repeat(513)}\0` }),
    rawEntry({ name: 'c', type: '5' }),
    rawEntry({ name: 'd', data: 'z'.repeat(512) }),
  ]
  const bytes = archive(...parts)
  const whole = readTar(bytes)
  for (const size of [1, 2, 3, 511, 512, 513, 1000, 4096]) assert.equal(readTar(bytes, size), whole, `${size}`)
})

test('random damage makes no other error than a TarError, and reading ends', () => {
  const below = sequence(11)
  const seeds: Buffer[] = [
    archive(
      rawEntry({ name: 'a', data: 'x'.repeat(1000) }),
      paxHeader({ path: 'p', size: '5', mtime: '1.5', 'GNU.sparse.map': '0,1,5,1', 'GNU.sparse.size': '9' }),
      rawEntry({ name: 'b', data: 'yy' }),
    ),
    archive(
      paxHeader({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '4096' }),
      rawEntry({ name: 's', data: `1\n1024\n4\n${'\0'.repeat(502)}data` }),
    ),
    archive(rawEntry({ name: 'old', type: 'S', magic: 'ustar  \0', data: 'ab', bytes: oldSparse })),
  ]
  let refusals = 0
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(seeds[below(seeds.length)] ?? '')
    for (let changes = 1 + below(4); changes > 0; changes--) {
      const at = below(bytes.length)
      bytes[at] = below(2) === 0 ? below(256) : (bytes[at] ?? 0) ^ (1 << below(8))
    }
    if (below(2) === 0) fixSums(bytes)
    refusals += isRefused(bytes.subarray(0, below(4) === 0 ? below(bytes.length) : bytes.length)) ? 1 : 0
  }
  assert.ok(refusals > 1000 && refusals < 20_000, `${refusals} refusals`)
})

const oldSparse: NonNullable<RawHeader['bytes']> = {
  386: '00000000000\x0000000000001\0',
  410: '00000001000\x0000000000001\0',
  483: '00000002000\0',
}

/** Makes the checksums fit, so that damage gets past them. */
function fixSums(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue
    bytes.write('        ', at + 148)
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
  }
}

/** Errors: any other than a TarError, or more holes than the archive claims. */
function isRefused(bytes: Buffer): boolean {
  let left = 0
  const reader = new TarReader({
    header: ({ size }) => {
      assert.is(left, 0, 'contents of the last file are missing')
      left = size
    },
    data: (chunk) => {
      left = Math.max(0, left - chunk.length)
    },
    hole: (length) => {
      assert.ok(length > 0 && length <= left)
      left -= length
    },
  })
  try {
    reader.push(bytes)
    reader.finish()
    return false
  } catch (e: unknown) {
    if (!(e instanceof TarError)) throw e
    return true
  }
}

test('a sparse file of petabytes takes no memory', () => {
  const map = '0,1,4503599627370495,1'
  const bytes = archive(
    paxHeader({ 'GNU.sparse.map': map, 'GNU.sparse.size': '4503599627370496', 'GNU.sparse.name': 'big' }),
    rawEntry({ name: 'x', data: 'ab' }),
  )
  const seen: string[] = []
  const reader = new TarReader({
    header: ({ name, size, sparse }) => seen.push(`${name} ${size} ${sparse}`),
    data: (chunk) => seen.push(`data ${chunk.length}`),
    hole: (length) => seen.push(`hole ${length}`),
  })
  reader.push(bytes)
  reader.finish()
  assert.equal(seen, ['big 4503599627370496 true', 'data 1', 'hole 4503599627370494', 'data 1'])
})

test('wrong sparse maps are refused', () => {
  const sparse = (map: string, size: string, data: string) =>
    [paxHeader({ 'GNU.sparse.map': map, 'GNU.sparse.size': size }), rawEntry({ name: 'x', data })] as const
  refused(/out of order/, ...sparse('5,1,0,1', '9', 'ab'))
  refused(/out of order/, ...sparse('0,2,1,1', '9', 'abc'))
  refused(/out of order/, ...sparse('0,10', '9', 'abcdefghij'))
  refused(/of 2 bytes for 3/, ...sparse('0,2', '9', 'abc'))
  refused(/malformed sparse map/, ...sparse('0,1,2', '9', 'a'))
  refused(/malformed sparse map/, ...sparse('0,-1', '9', 'a'))
  refused(/no number/, ...sparse('0,1', '1e9', 'a'))
  const one = (data: string) =>
    [paxHeader({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' }), rawEntry({ name: 'x', data })] as const
  refused(/longer than its file/, ...one('9\n1\n'))
  refused(/malformed sparse map/, ...one('x'.repeat(512)))
  refused(/malformed sparse map/, ...one('1'.repeat(512)))
})

test.run()
