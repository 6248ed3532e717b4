// SPDX-License-Identifier: Apache-2.0
// What tsdock-files does for containers: binds in an overlay, parts of trees as a tar, marks of overlay, lookups, sizes.

import { spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import {
  apply,
  type BindMount,
  bind,
  findProgram,
  lookup,
  type OverlayMount,
  pack,
  read,
  sizeOf,
  walk,
} from '../../bundles/host/files.ts'
import { decodeEntries, encodeEnd, encodeEntry } from '../../bundles/layers/frame.ts'
import { hostSuite, unmount } from '../helpers/suite.ts'
import { applyItems, type Item } from '../helpers/tree.ts'
import { newDir, newPath } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('tsdock-files for containers')

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it worked',
    (e: Error) => e.message,
  )
const file = (path: string, contents = ''): Item => ({ type: 'file', path, contents })

function overlay(lower: string, more: Partial<OverlayMount> = {}): OverlayMount {
  const directory = newDir('overlay')
  const [upper, work, target] = ['upper', 'work', 'target'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [upper, work, target]) mkdirSync(path)
  return { target, upper: { directory: upper, work }, lower: [lower], durable: true, ...more }
}

const withBinds = (lower: string, ...binds: readonly BindMount[]): OverlayMount => overlay(lower, { binds })
const kinds = (frames: Buffer): readonly string[] => decodeEntries(frames).map(({ type, path }) => `${type} ${path}`)

test('binds: made places, links of the tree and of the source stay inside', async () => {
  const lower = newDir('lower')
  await applyItems(lower, [{ type: 'symlink', path: 'out', link: '/etc' }, file('file'), file('etc/x')])
  const source = newDir('source')
  await applyItems(source, [
    file('f', 'volume'),
    file('part/p', 'part'),
    { type: 'symlink', path: 'evil', link: '/etc' },
  ])
  const mount = withBinds(
    lower,
    { source, at: '/a/b' },
    { source, at: '/out/in-etc' },
    { source: join(source, 'f'), at: '/file' },
    { source: join(source, 'f'), at: '/fresh/file' },
    { source, subpath: 'part', at: '/part', readonly: true },
  )
  const options = { overlays: [mount] }
  for (const path of ['a/b/f', 'etc/in-etc/f', 'file', 'fresh/file'])
    assert.is((await read(mount.target, path, options)).toString(), 'volume', path)
  assert.is((await read(mount.target, 'part/p', options)).toString(), 'part')
  assert.is(existsSync('/etc/in-etc'), false)
  const evil = { overlays: [withBinds(lower, { source, subpath: 'evil', at: '/x' })] }
  assert.match(await failure(read(newPath('none'), 'x', evil)), /openat2 "evil": no such file or directory/)
  const write = (path: string) =>
    apply(
      mount.target,
      async (send) => {
        await send(encodeEntry({ type: 'file', path, mode: 0o644, size: 0 }))
        await send(encodeEnd())
      },
      { ...options, merge: true },
    )
  assert.match(await failure(write('part/x')), /\(EROFS\)/)
  await write('a/b/x')
  assert.ok(existsSync(join(source, 'x')))
  const sealed = { ...mount, seal: true }
  options.overlays = [sealed]
  assert.match(await failure(write('y')), /\(EROFS\)/)
  await write('a/b/y')
})

test('bind: with and without what is mounted below', async () => {
  const source = newDir('source')
  mkdirSync(join(source, 'below'))
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', join(source, 'below')])
  try {
    writeFileSync(join(source, 'below/x'), 'x')
    const mount = withBinds(newDir('lower'), { source, at: '/all' }, { source, at: '/alone', alone: true })
    const options = { overlays: [mount] }
    assert.is((await read(mount.target, 'all/below/x', options)).toString(), 'x')
    assert.match(await failure(read(mount.target, 'alone/below/x', options)), /ENOENT/)
  } finally {
    unmount(join(source, 'below'))
  }
})

test('bind for others to see', async () => {
  const source = newDir('source')
  await applyItems(source, [file('d/x', 'x')])
  const target = newDir('target')
  await bind({ source, subpath: 'd' }, target)
  try {
    assert.is(readFileSync(join(target, 'x'), 'utf8'), 'x')
  } finally {
    unmount(target)
  }
  assert.equal(readdirSync(target), [])
})

test('pack: a part of a tree, under another name', async () => {
  const tree = newDir('tree')
  await applyItems(tree, [
    file('d/x', 'x'),
    file('d/sub/y'),
    { type: 'symlink', path: 'l', link: 'd' },
    { type: 'symlink', path: 'out', link: '/d' },
  ])
  const names = async (path: string, as: string, follow = false): Promise<readonly string[]> => {
    let found: readonly string[] = []
    await pack(
      tree,
      async (out) => {
        const chunks: Buffer[] = []
        for await (const chunk of out) chunks.push(chunk as Buffer)
        found = spawnSync('tar', ['t'], { input: Buffer.concat(chunks), encoding: 'utf8' })
          .stdout.trim()
          .split('\n')
      },
      { plain: true, at: { path, as, follow } },
    )
    return found
  }
  assert.equal(await names('d', 'new'), ['new/', 'new/sub/', 'new/sub/y', 'new/x'])
  assert.equal(await names('d', '.'), ['./', './sub/', './sub/y', './x'])
  assert.equal(await names('d/x', 'f'), ['f'])
  assert.equal(await names('l', 'l'), ['l'])
  assert.equal(await names('l', 'l', true), ['l/', 'l/sub/', 'l/sub/y', 'l/x'])
  assert.equal(await names('out/sub', 's'), ['s/', 's/y'])
  assert.match(await failure(names('none', 'x')), /openat2 "none": no such file or directory/)
})

test('a reader of a pack that fails ends it', async () => {
  const tree = newDir('tree')
  writeFileSync(join(tree, 'large'), '')
  truncateSync(join(tree, 'large'), 64 << 20)
  const reader = pack(tree, async () => {
    throw new Error('enough')
  })
  assert.is(await failure(reader), 'enough')
})

test('walk: marks of overlay are told', async () => {
  const lower = newDir('lower')
  await applyItems(lower, [file('gone'), file('d/x'), file('kept')])
  const mount = overlay(lower)
  const script = 'rm gone && rm -r d && mkdir d && touch d/new'
  const flags = [`--target=${mount.target}`, `--upper=${mount.upper?.directory}`, `--work=${mount.upper?.work}`]
  const args = ['run', ...flags, `--lower=${lower}`, '--', 'sh', '-c', `cd ${mount.target} && ${script}`]
  assert.is(spawnSync(findProgram('tsdock-files'), args).status, 0)
  const upper = mount.upper?.directory ?? ''
  assert.equal(kinds(await walk(upper, '', { layer: true })), [
    'directory ',
    'directory d',
    'opaque d',
    'file d/new',
    'whiteout gone',
  ])
  assert.equal(kinds(await walk(upper, '')), ['directory ', 'directory d', 'file d/new', 'char gone'])
})

test('lookup: what is at some paths, links not followed, and inside the tree', async () => {
  const tree = newDir('tree')
  await applyItems(tree, [file('d/\xff', 'x'), { type: 'symlink', path: 'l', link: '/d' }])
  const paths = ['d', 'd/\xff', 'l', 'l/\xff', 'none', 'd/\xff/below', '../../../etc/passwd']
  assert.equal(kinds(await lookup(tree, paths)), [
    'directory d',
    'file d/\xff',
    'symlink l',
    'file l/\xff',
    'whiteout none',
    'whiteout d/\xff/below',
    'whiteout ../../../etc/passwd',
  ])
  assert.equal(kinds(await lookup(tree, [])), [])
})

test('size: names of one file count once, holes as contents', async () => {
  const tree = newDir('tree')
  await applyItems(tree, [file('a', 'x'.repeat(1000)), file('d/b', 'x'.repeat(10))])
  linkSync(join(tree, 'a'), join(tree, 'd/a2'))
  symlinkSync('/etc', join(tree, 'link'))
  writeFileSync(join(tree, 'sparse'), '')
  truncateSync(join(tree, 'sparse'), 5000)
  assert.is(await sizeOf(tree), 1000 + 10 + 4 + 5000)
  assert.match(await failure(sizeOf(newPath('none'))), /ENOENT/)
})

test('merge and strict: a directory never takes the place of a file', async () => {
  const tree = newDir('tree')
  writeFileSync(join(tree, 'x'), 'old')
  const make = (strict: boolean) =>
    apply(
      tree,
      async (send) => {
        await send(encodeEntry({ type: 'directory', path: 'x', mode: 0o755 }))
        await send(encodeEnd())
      },
      { merge: true, strict },
    )
  assert.match(await failure(make(true)), /a directory in the place of the file "x": not a directory \(ENOTDIR\)/)
  assert.is(readFileSync(join(tree, 'x'), 'utf8'), 'old')
  await make(false)
  assert.equal(readdirSync(join(tree, 'x')), [])
})

test('the root of a process, if it is the right one', async () => {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  const own = { process: { pid: process.pid, start } }
  assert.is((await read('-', 'proc/version', own)).toString(), readFileSync('/proc/version', 'utf8'))
  const other = { process: { pid: process.pid, start: start + 1 } }
  assert.match(await failure(read('-', 'proc/version', other)), /is another one by now: no such process \(ESRCH\)/)
  assert.match(await failure(read('-', 'x', { process: { pid: 2 ** 22 + 1, start } })), /ENOENT/)
})

test('wrong calls of options', () => {
  const files = (...args: readonly string[]): string =>
    spawnSync(findProgram('tsdock-files'), args, { encoding: 'utf8' }).stderr
  assert.match(files('walk', '--at=/x', '/', ''), /an option without --bind/)
  assert.match(files('walk', '--process=x', '-', ''), /the process "x"/)
  assert.match(files('bind', '--bind=/etc', 'relative'), /usage/)
  assert.match(files('bind', '/x'), /usage/)
})

run()
