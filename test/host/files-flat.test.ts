// SPDX-License-Identifier: Apache-2.0
// `tsdock-files apply --flat`: layers that are put into one tree give what overlay shows of them side by side.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { walk } from '../../bundles/host/files.ts'
import { decodeEntries } from '../../bundles/layers/frame.ts'
import { hostSuite } from '../helpers/suite.ts'
import { applyItems, type Item, listTree, needsPython } from '../helpers/tree.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('tsdock-files flat', [needsPython])

const file = (path: string, contents = ''): Item => ({ type: 'file', path, contents })
const dir = (path: string): Item => ({ type: 'directory', path })

async function flat(...layers: readonly (readonly Item[])[]): Promise<string> {
  const directory = newDir('flat')
  for (const items of layers) await applyItems(directory, items, { flat: true })
  return directory
}

/** Entries as lines; what several names share is told by the first of them. Times of today are those of directories that nobody made. */
async function lines(...where: Parameters<typeof walk>): Promise<readonly string[]> {
  const first = new Map<bigint, string>()
  return decodeEntries(await walk(...where)).map((entry) => {
    const { path, type, mode = 0, uid, gid, seconds = 0, link = '', size = 0, xattrs = new Map(), inode = 0n } = entry
    const shared = inode === 0n ? path : (first.get(inode) ?? path)
    first.set(inode, shared)
    const time = seconds > 1_000_000 ? 'now' : String(seconds)
    const extra = [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value)}`)
    return [path, type, mode.toString(8), `${uid}:${gid}`, time, link, size, shared, ...extra].join(' ')
  })
}

const names = (directory: string): readonly string[] =>
  listTree(directory, { times: false })
    .slice(1)
    .map((line) => line.split(' ').slice(0, 2).join(' '))

async function overlaid(layers: readonly (readonly Item[])[]): Promise<readonly string[]> {
  const lower: string[] = [newDir('empty')]
  for (const items of layers) {
    const directory = newDir('layer')
    await applyItems(directory, items, { below: lower.slice(0, -1) })
    lower.unshift(directory)
  }
  const target = newDir('merged')
  return lines(target, '', { overlays: [{ target, lower }] })
}

async function same(layers: readonly (readonly Item[])[], why = ''): Promise<void> {
  const expected = await overlaid(layers)
  // The top is what the caller has made.
  assert.equal((await lines(await flat(...layers), '')).slice(1), expected.slice(1), why)
}

test('whiteouts take away what other layers have, before and behind what the layer has itself', async () => {
  const below = [
    ...['gone', 'kept', 'again', 'was-dir/x', 'was-dir/y/z', 'opaque/old', 'opaque/sub/old'].map((path) =>
      file(path, 'low'),
    ),
    ...['implied/old', 'late/old', 'early/old'].map((path) => file(path)),
    { type: 'hardLink', path: 'other-name', link: 'gone' } as const,
  ]
  const above: readonly Item[] = [
    { type: 'whiteout', path: 'gone' },
    { type: 'whiteout', path: 'never/was' },
    file('again', 'high'),
    { type: 'whiteout', path: 'again' },
    { type: 'whiteout', path: 'was-dir' },
    file('implied/new'),
    { type: 'whiteout', path: 'implied' },
    { type: 'whiteout', path: 'early' },
    file('early/new'),
    file('opaque/sub/new'),
    { type: 'opaque', path: 'opaque' },
    { type: 'opaque', path: 'late' },
    file('late/new'),
  ]
  const tree = await flat(below, above)
  assert.equal(
    names(tree).map((line) => line.split(' ')[0]),
    [
      ...['again', 'early', 'early/new', 'implied', 'implied/new', 'kept', 'late', 'late/new', 'never'],
      ...['opaque', 'opaque/sub', 'opaque/sub/new', 'other-name'],
    ],
  )
  assert.is(statSync(join(tree, 'again')).size, 4)
  await same([below, above])
})

test('the top of the tree may be opaque', async () => {
  const layers = [
    [file('a'), file('d/a')],
    [file('d/b'), { type: 'opaque', path: '' } as const, file('c')],
  ]
  assert.equal(names(await flat(...layers)), ['c file', 'd dir', 'd/b file'])
})

test('directories that are passed keep their times and all else, those that are named lose what they had', async () => {
  const old = { mode: 0o1770, uid: 7, gid: 8, seconds: 50, xattrs: new Map([['user.x', Buffer.from('1')]]) }
  const layers = [
    [
      { ...dir('passed'), ...old },
      { ...dir('named'), ...old },
      { ...dir('late'), ...old },
      { ...dir('changed'), ...old },
    ],
    [
      file('passed/x'),
      { ...dir('named'), seconds: 60 },
      file('named/x'),
      file('late/x'),
      { ...dir('late'), seconds: 70 },
      { type: 'whiteout', path: 'changed/nothing' } as const,
    ],
  ]
  await same(layers)
  const found = await lines(await flat(...layers), '')
  assert.ok(found.some((line) => line.startsWith('passed directory 1770 7:8 50 ') && line.endsWith('user.x=1')))
  assert.ok(found.some((line) => line.startsWith('named directory 755 0:0 60 ') && !line.includes('user.x')))
  assert.ok(found.some((line) => line.startsWith('late directory 755 0:0 70 ')))
})

test('a file, a directory and a link in the place of one another', async () => {
  const kinds: readonly ((path: string) => Item)[] = [
    file,
    dir,
    (path) => file(`${path}/in`),
    (path) => ({ type: 'symlink', path, link: '/somewhere' }),
    (path) => ({ type: 'symlink', path, link: 'there' }),
    (path) => ({ type: 'fifo', path }),
  ]
  const below = [file('there/x')]
  const above: Item[] = []
  for (const [i, low] of kinds.entries())
    for (const [k, high] of kinds.entries()) {
      below.push(low(`${i}-${k}`))
      above.push(high(`${i}-${k}`))
    }
  await same([below, above])
})

test('a name that another layer has as a link leads nowhere', async () => {
  const outside = newDir('outside')
  const tree = await flat(
    [
      { type: 'symlink', path: 'link', link: outside },
      { type: 'symlink', path: 'up', link: '../../..' },
    ],
    [file('link/x'), { type: 'whiteout', path: 'up/y' }, { type: 'opaque', path: 'up/z' }],
  )
  assert.equal(names(outside), [])
  assert.equal(names(tree), ['link dir', 'link/x file', 'up dir', 'up/z dir'])
})

/** Numbers that are the same in every run: xorshift. */
function randomFrom(seed: number): (below: number) => number {
  let x = (seed * 2654435761) >>> 0 || 1
  return (below) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    return x % below
  }
}

/** A layer that a tool could have made: one entry a path, and nothing below what is no directory. */
function randomLayer(random: (below: number) => number): readonly Item[] {
  const own = new Map<string, string>()
  const items: Item[] = []
  for (let i = 0; i < 12; i++) {
    const path = Array.from({ length: 1 + random(3) }, () => 'abc'[random(3)]).join('/')
    const type = (
      ['file', 'file', 'directory', 'symlink', 'fifo', 'hardLink', 'whiteout', 'whiteout', 'opaque'] as const
    )[random(9)]
    const above = path.split('/').map((_, k, parts) => parts.slice(0, k).join('/'))
    const below = [...own.keys()].some((one) => one.startsWith(`${path}/`))
    const isWhiteout = type === 'whiteout'
    const wasThere = own.get(path)
    if (type === undefined || above.some((one) => ![undefined, 'directory'].includes(own.get(one)))) continue
    if (isWhiteout ? wasThere === 'opaque' : wasThere !== undefined && !(wasThere === 'directory' && type === 'opaque'))
      continue
    if (below && !['directory', 'opaque', 'whiteout'].includes(type)) continue
    const link = [...own].find(([, one]) => one === 'file')?.[0]
    if (type === 'hardLink' && link === undefined) continue
    for (const one of above.slice(1)) if (own.get(one) === undefined) own.set(one, 'directory')
    const common = { path, seconds: 1 + random(1000), mode: 0o700 + random(64), uid: random(5), gid: random(5) }
    if (type === 'opaque' || type === 'whiteout') items.push({ type, path })
    else if (type === 'hardLink') items.push({ type, link: link ?? '', ...common })
    else if (type === 'symlink') items.push({ type, ...common, link: ['a', '../b', '/c', 'x'][random(4)] ?? '' })
    else if (type === 'file') items.push({ type, ...common, contents: 'x'.repeat(1 + random(9999)) })
    else if (type === 'fifo') items.push({ type, ...common })
    else items.push({ type, ...common, xattrs: new Map(random(2) === 0 ? [] : [['user.k', Buffer.from('v')]]) })
    if (!isWhiteout) own.set(path, type === 'opaque' || type === 'directory' ? 'directory' : type)
    else if (wasThere === undefined && !below) own.set(path, 'whiteout')
  }
  return items
}

test('random layers', async () => {
  const count = process.env['TSRUN_TEST_LONG'] === '1' ? 400 : 25
  for (let seed = 1; seed <= count; seed++) {
    const random = randomFrom(seed)
    const layers = Array.from({ length: 2 + random(3) }, () => randomLayer(random))
    await same(
      layers,
      `seed ${seed}: ${JSON.stringify(layers.map((items) => items.map(({ type, path }) => `${type} ${path}`)))}`,
    )
  }
})

run()
