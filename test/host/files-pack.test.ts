// SPDX-License-Identifier: Apache-2.0
// `tsdock-files pack`: the tar of a layer; what it holds is what `apply` makes of it, and what other tools read in it.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { findProgram, pack, remove } from '../../bundles/host/files.ts'
import { applyLayer } from '../../bundles/layers/apply.ts'
import { hostSuite } from '../helpers/suite.ts'
import { readTar } from '../helpers/tar.ts'
import { needsPrograms } from '../helpers/tools.ts'
import { applyItems, type Item, listTree, packed, needsPython } from '../helpers/tree.ts'
import { newDir } from '../helpers/work-dir.ts'
import { sequence } from '../unit/spec/mutate.ts'

const { test, run } = hostSuite('tsdock-files pack', [needsPython])

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
}

async function unpacked(tar: Buffer): Promise<string> {
  const directory = newDir('unpacked')
  await applyLayer(directory, chunks(tar))
  return directory
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it worked',
    (e: Error) => e.message,
  )

const NAMES = [
  'a',
  'b',
  '\xc3\xa4',
  '\xff\xfe',
  'with space',
  'new\nline',
  '-x',
  '.hidden',
  'n'.repeat(120),
  'ends.',
  '%',
  'x=y',
]
const TIMES = [-1, 0, 1, 1_600_000_000, 8589934592, 17179869184]
const MODES = [0o755, 0o644, 0o600, 0o4755, 0o2755, 0o1777, 0, 0o7777]
const LINKS = ['a', '/etc/passwd', '../../..', 'l'.repeat(150), '\xfe']
const KINDS = [
  'directory',
  'directory',
  'file',
  'file',
  'file',
  'symlink',
  'hardLink',
  'fifo',
  'char',
  'block',
] as const

type Pick = <T>(list: readonly T[]) => T

/** One entry by chance, with all that its type may have. files: what hard links may name. */
function randomItem(path: string, pick: Pick, files: readonly string[]): Item | undefined {
  const type = pick(KINDS)
  const target = type === 'hardLink' ? files.at(-1) : pick(LINKS)
  if (type === 'hardLink') return target === undefined ? undefined : { type, path, link: target }
  const owner = {
    uid: pick([0, 1, 1000, 2097152, 4294967294]),
    gid: pick([0, 5, 2097151, 3000000]),
    seconds: pick(TIMES),
  }
  if (type === 'symlink') return { type, path, link: pick(LINKS), ...owner }
  const mode = pick(MODES)
  if (type === 'fifo') return { type, path, mode, ...owner }
  if (type === 'char' || type === 'block')
    return { type, path, mode, major: pick([1, 8, 4095]), minor: pick([0, 255, 1048575]), ...owner }
  const attribute = [
    pick(['user.a', 'user.b=c', 'user.d%']),
    Buffer.from(pick(['', 'x', '\0\n=', 'v'.repeat(500)])),
  ] as const
  const xattrs = new Map(pick([[], [], [], [attribute]]))
  if (type === 'directory') return { type, path, mode, xattrs, ...owner }
  const contents = Buffer.alloc(pick([0, 1, 511, 512, 513, 5000, 70000]), pick(['x', '\0', 'ab']))
  return { type, path, mode, contents, xattrs, ...owner }
}

/** A tree of all that a layer may hold, by chance. */
function randomItems(seed: number): readonly Item[] {
  const below = sequence(seed)
  const pick: Pick = (list) => list[below(list.length)] as (typeof list)[number]
  const directories = ['']
  const files: string[] = []
  const items = new Map<string, Item>()
  for (let count = 0; count < 60; count++) {
    const parent = pick(directories)
    const path = parent === '' ? pick(NAMES) : `${parent}/${pick(NAMES)}`
    const item = items.has(path) || path.length > 1500 ? undefined : randomItem(path, pick, files)
    if (item === undefined) continue
    items.set(path, item)
    if (item.type === 'directory') directories.push(path)
    if (item.type === 'file') files.push(path)
  }
  return [...items.values()]
}

test(
  'random trees: packed, unpacked and packed again gives the same bytes, and the same tree',
  async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const directory = newDir('random')
      await applyItems(directory, [{ type: 'directory', path: '', mode: 0o755 }, ...randomItems(seed)])
      const first = await packed(directory)
      const copy = await unpacked(first)
      const second = await packed(copy)
      assert.ok(first.equals(second), `seed ${seed}`)
      assert.equal(
        listTree(copy, { xattrs: true }).slice(1),
        listTree(directory, { xattrs: true }).slice(1),
        `seed ${seed}`,
      )
    }
  },
  { timeoutMs: 300_000 },
)

/** bsdtar extracts no names but UTF-8, and takes keys of attributes as they are. */
const isPlain = ({ type, path, link = '', xattrs }: Item, all: readonly Item[]): boolean =>
  (type !== 'hardLink' || all.some((one) => one.path === link && isPlain(one, all))) &&
  !Buffer.from(path + link, 'latin1')
    .toString('utf8')
    .includes('\ufffd') &&
  [...(xattrs ?? [])].every(([name]) => !/[=%]/.test(name))

for (const [program, extract] of Object.entries({
  tar: ['--xattrs', '--xattrs-include=user.*', '--numeric-owner', '-xpf', '-'],
  bsdtar: ['--numeric-owner', '-xpf', '-'],
})) {
  test(
    `random trees are the same for ${program}`,
    async () => {
      for (let seed = 100; seed < 105; seed++) {
        const directory = newDir('random')
        const all = randomItems(seed)
        const items = all.filter((item) => program === 'tar' || isPlain(item, all))
        await applyItems(directory, [{ type: 'directory', path: '', mode: 0o755 }, ...items])
        const copy = newDir('extracted')
        const result = spawnSync(program, [...extract, '-C', copy], {
          input: await packed(directory),
          env: { ...process.env, LC_ALL: program === 'tar' ? 'C' : 'C.UTF-8' },
        })
        assert.is(result.status, 0, `seed ${seed}: ${result.stderr}`)
        assert.equal(
          listTree(copy, { xattrs: true }).slice(1),
          listTree(directory, { xattrs: true }).slice(1),
          `seed ${seed}`,
        )
      }
    },
    { needs: [needsPrograms(program)], timeoutMs: 300_000 },
  )
}

test('the same tree gives the same bytes, in whatever order it was made', async () => {
  const items = randomItems(7).filter(({ type }) => type !== 'hardLink')
  const directories = items.filter(({ type }) => type === 'directory')
  const others = items.filter(({ type }) => type !== 'directory')
  const made = async (list: readonly Item[]): Promise<string> => {
    const directory = newDir('order')
    await applyItems(directory, list)
    return createHash('sha256')
      .update(await packed(directory))
      .digest('hex')
  }
  assert.is(await made([...directories, ...others]), await made([...directories, ...others.toReversed()]))
})

test('marks of overlay become whiteouts, and whiteouts marks of overlay', async () => {
  const directory = newDir('upper')
  const items: readonly Item[] = [
    { type: 'directory', path: 'd' },
    { type: 'opaque', path: 'd' },
    { type: 'whiteout', path: 'd/gone' },
    { type: 'file', path: 'd/there', contents: 'x' },
    { type: 'whiteout', path: 'gone' },
  ]
  await applyItems(directory, items)
  const tar = await packed(directory)
  assert.equal(
    readTar(tar).map(({ name }) => name),
    ['d/', 'd/.wh..wh..opq', 'd/.wh.gone', 'd/there', '.wh.gone'],
  )
  const copy = await unpacked(tar)
  assert.equal(
    listTree(copy, { times: false, xattrs: true }).slice(1),
    listTree(directory, { times: false, xattrs: true }).slice(1),
  )
  const plain = readTar(await packed(directory, { plain: true })).map(({ name, type }) => `${name} ${type}`)
  assert.equal(plain, ['d/ 5', 'd/gone 3', 'd/there 0', 'gone 3'])
})

test('a name that would hide another one in a layer is refused', async () => {
  const directory = newDir('upper')
  mkdirSync(join(directory, 'etc'))
  writeFileSync(join(directory, 'etc/.wh.passwd'), '')
  assert.match(
    await failure(packed(directory)),
    /"etc\/\.wh\.passwd": in a layer, a name that begins with \.wh\. hides another one/,
  )
  assert.equal(
    readTar(await packed(directory, { plain: true })).map(({ name }) => name),
    ['etc/', 'etc/.wh.passwd'],
  )
})

test('sockets are left out', async () => {
  const directory = newDir('upper')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve))
  writeFileSync(join(directory, 'f'), '')
  assert.equal(
    readTar(await packed(directory)).map(({ name }) => name),
    ['f'],
  )
  await new Promise((resolve) => server.close(resolve))
})

test('times that are too late are cut, in the directory as well', async () => {
  const directory = newDir('upper')
  writeFileSync(join(directory, 'late'), '')
  mkdirSync(join(directory, 'd'))
  writeFileSync(join(directory, 'early'), '')
  utimesSync(join(directory, 'early'), 5, 5)
  assert.equal(
    readTar(await packed(directory, { newest: 100 })).map(({ name, time }) => `${name} ${time}`),
    ['d/ 100', 'early 5', 'late 100'],
  )
  assert.equal(
    listTree(directory)
      .slice(1)
      .map((line) => line.split(' ')[4]),
    ['100', '5', '100'],
  )
})

test(
  'a huge sparse file is packed without reading its holes',
  async () => {
    const directory = newDir('upper')
    writeFileSync(join(directory, 'huge'), 'begin')
    truncateSync(join(directory, 'huge'), 12 * 2 ** 30)
    writeFileSync(join(directory, 'huge'), 'end', { flag: 'a' })
    let size = 0
    let tail: Buffer = Buffer.alloc(0)
    await pack(directory, async (out) => {
      for await (const chunk of out) {
        size += (chunk as Buffer).length
        tail = (chunk as Buffer).length > 2048 ? (chunk as Buffer) : Buffer.concat([tail, chunk as Buffer])
      }
    })
    // Header of pax for the size, header, contents, end.
    assert.is(size, 1024 + 512 + 12 * 2 ** 30 + 512 + 1024)
    assert.is(tail.subarray(-1536, -1533).toString(), 'end')
  },
  { timeoutMs: 300_000 },
)

test('a file that becomes shorter or longer meanwhile', async () => {
  const directory = newDir('upper')
  const path = join(directory, 'f')
  writeFileSync(path, Buffer.alloc(40 << 20, 'x'))
  const outcome = await failure(
    pack(directory, async (out) => {
      await once(out, 'readable')
      truncateSync(path, 1 << 20)
      out.resume()
      await once(out, 'end')
    }),
  )
  assert.match(outcome, /"f" became shorter while it was read/)
  writeFileSync(path, Buffer.alloc(4 << 20, 'x'))
  let size = 0
  await pack(directory, async (out) => {
    await once(out, 'readable')
    writeFileSync(path, 'more', { flag: 'a' })
    for await (const chunk of out) size += (chunk as Buffer).length
  })
  assert.is(size % 512, 0)
})

test('a reader that goes away ends it', async () => {
  const directory = newDir('upper')
  writeFileSync(join(directory, 'f'), '')
  truncateSync(join(directory, 'f'), 2 ** 40)
  const child = spawn(findProgram('tsdock-files'), ['pack', '--', directory], { stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.once('data', () => child.stdout.destroy())
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.is(signal, 'SIGPIPE')
})

test('links out of the tree are packed as links, never followed', async () => {
  const directory = newDir('upper')
  symlinkSync('/etc', join(directory, 'etc'))
  symlinkSync('/etc/passwd', join(directory, 'passwd'))
  linkSync('/etc/hostname', join(directory, 'hostname'))
  const entries = readTar(await packed(directory)).map(({ name, type, link }) => `${name} ${type} ${link}`)
  assert.equal(entries, ['etc 2 /etc', 'hostname 0 ', 'passwd 2 /etc/passwd'])
})

test('paths that are too long for the system are told', async () => {
  const directory = newDir('upper')
  // Deeper than a path can be: made level by level.
  const script = `import os,sys
os.chdir(sys.argv[1])
for i in range(30):
    os.mkdir('d' * 200); os.chdir('d' * 200)`
  spawnSync('python3', ['-c', script, directory])
  assert.match(await failure(packed(directory)), /ENAMETOOLONG/)
  await remove(directory)
})

run()
