// SPDX-License-Identifier: Apache-2.0
// `tsdock-files walk`, `read`, `remove` and `lock`.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { findProgram, read, readTo, remove, walk } from '../../bundles/host/files.ts'
import { lock } from '../../bundles/host/lock.ts'
import { decodeEntries } from '../../bundles/layers/frame.ts'
import { hostSuite, unmount } from '../helpers/suite.ts'
import { applyItems, type Item, listTree, setXattr, needsPython } from '../helpers/tree.ts'
import { newDir, newPath, projectDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('tsdock-files', [needsPython])

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it worked',
    (e: Error) => e.message,
  )
const file = (path: string, contents = ''): Item => ({ type: 'file', path, contents })

/** Runs the program itself. */
const files = (...args: readonly string[]) =>
  spawnSync(findProgram('tsdock-files'), args, { encoding: 'utf8', timeout: 60_000 })

test('walk: all entries, parents first, in the order of bytes', async () => {
  const directory = newDir('tree')
  await applyItems(directory, [
    { type: 'directory', path: 'd', mode: 0o711, uid: 5 },
    { ...file('d/\xff', 'x'), xattrs: new Map([['user.a', Buffer.from('1')]]) },
    { type: 'symlink', path: 'd/l', link: '/etc' },
    { type: 'char', path: 'z', major: 5, minor: 1 },
  ])
  linkSync(join(directory, 'd/l'), join(directory, 'l2'))
  const entries = decodeEntries(await walk(directory, ''))
  assert.equal(
    entries.map(({ type, path, link }) => `${type} ${path} ${link}`),
    ['directory  ', 'directory d ', 'symlink d/l /etc', 'file d/\xff ', 'symlink l2 /etc', 'char z '],
  )
  const [, d, link, named, second, device] = entries
  assert.equal([d?.mode, d?.uid, named?.size, device?.major, device?.minor], [0o711, 5, 1, 5, 1])
  assert.is(String(named?.xattrs?.get('user.a')), '1')
  assert.ok(link?.inode !== 0n && link?.inode === second?.inode && named?.inode === 0n)
  assert.equal(
    decodeEntries(await walk(directory, '', { skip: ['d', 'z'] })).map(({ path }) => path),
    ['', 'l2'],
  )
  assert.equal(
    decodeEntries(await walk(directory, 'd', { only: true })).map(({ path }) => path),
    [''],
  )
})

test('walk: links are followed only when asked, and inside the tree', async () => {
  const directory = newDir('tree')
  await applyItems(directory, [
    { type: 'symlink', path: 'abs', link: '/sub' },
    { type: 'symlink', path: 'up', link: '../../../../../sub' },
    { type: 'symlink', path: 'out', link: '/etc/passwd' },
    { type: 'symlink', path: 'loop', link: 'loop' },
    file('sub/x'),
  ])
  const types = async (path: string, follow: boolean): Promise<string> =>
    decodeEntries(await walk(directory, path, { follow, only: true }))
      .map(({ type }) => type)
      .join()
  assert.is(await types('abs', false), 'symlink')
  assert.is(await types('abs', true), 'directory')
  assert.is(await types('up/x', false), 'file')
  assert.match(await failure(types('out', true)), /ENOENT/)
  assert.match(await failure(types('loop', true)), /ELOOP/)
  assert.match(await failure(types('missing', true)), /openat2 "missing": no such file or directory \(ENOENT\)/)
})

test(
  'read: regular files alone, inside the tree, up to a limit',
  async () => {
    const directory = newDir('tree')
    await applyItems(directory, [
      file('f', 'text'),
      file('empty'),
      { type: 'symlink', path: 'l', link: '/f' },
      { type: 'symlink', path: 'passwd', link: '/etc/passwd' },
      { type: 'symlink', path: 'magic', link: '/proc/self/root/etc/passwd' },
      { type: 'directory', path: 'd' },
      { type: 'fifo', path: 'fifo' },
      { type: 'char', path: 'zero', major: 1, minor: 5 },
    ])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(directory, 'socket'), resolve))
    assert.is(String(await read(directory, 'f')), 'text')
    assert.is(String(await read(directory, 'l')), 'text')
    assert.is(String(await read(directory, '../../f')), 'text')
    assert.is((await read(directory, 'empty')).length, 0)
    for (const [path, message] of Object.entries({
      passwd: /ENOENT/,
      magic: /ENOENT/,
      d: /EISDIR/,
      fifo: /EINVAL/,
      zero: /EINVAL/,
      socket: /EINVAL/,
    }))
      assert.match(await failure(read(directory, path)), message, path)
    await new Promise((resolve) => server.close(resolve))
    assert.match(
      await failure(read(directory, 'f', { limit: 3 })),
      /read "f" \(4 bytes, at most 3\): file too large \(EFBIG\)/,
    )
    writeFileSync(join(directory, 'big'), '')
    truncateSync(join(directory, 'big'), 2 ** 27)
    assert.match(await failure(read(directory, 'big')), /EFBIG/)
    let size = 0
    await readTo(directory, 'big', async (out) => {
      for await (const chunk of out) size += (chunk as Buffer).length
    })
    assert.is(size, 2 ** 27)
  },
  { timeoutMs: 120_000 },
)

test('remove: all below it, whatever it is, and nothing that links lead to', async () => {
  const [outside, parent] = [newDir('outside'), newDir('parent')]
  writeFileSync(join(outside, 'keep'), '')
  await applyItems(join(parent), [
    { type: 'symlink', path: 'tree/link', link: outside },
    { type: 'directory', path: 'tree/closed', mode: 0 },
    file('tree/closed/x'),
    { type: 'char', path: 'tree/whiteout', major: 1, minor: 3 },
    { type: 'symlink', path: 'top', link: outside },
    file('other'),
  ])
  await remove(join(parent, 'tree'))
  await remove(join(parent, 'top'))
  await remove(join(parent, 'missing'))
  await remove(join(parent, 'missing/too'))
  assert.equal(readdirSync(parent), ['other'])
  assert.equal(readdirSync(outside), ['keep'])
  for (const path of ['/', '.', '..', `${parent}/.`, `${parent}/..`, `${parent}/`])
    assert.match(await failure(remove(path)), /remove "/, path)
  assert.equal(readdirSync(parent), ['other'])
})

test(
  'remove: trees deeper than a path can be',
  async () => {
    const directory = newDir('tree')
    const script = `import os,sys
os.chdir(sys.argv[1])
for i in range(3000):
    os.mkdir('d'); open('f', 'w').close(); os.chdir('d')`
    assert.is(spawnSync('python3', ['-c', script, directory]).status, 0)
    // With few descriptors.
    const limited = spawnSync(
      'sh',
      ['-c', 'ulimit -n 100; exec "$0" remove -- "$1"', findProgram('tsdock-files'), directory],
      { encoding: 'utf8' },
    )
    assert.is(limited.stderr, '')
    assert.not.ok(existsSync(directory))
  },
  { timeoutMs: 120_000 },
)

test('remove: what is mounted in a tree stays', async () => {
  const [outside, directory] = [newDir('outside'), newDir('tree')]
  writeFileSync(join(outside, 'keep'), '')
  mkdirSync(join(directory, 'sub/mounted'), { recursive: true })
  assert.is(spawnSync('mount', ['--bind', outside, join(directory, 'sub/mounted')]).status, 0)
  try {
    assert.match(
      await failure(remove(directory)),
      /remove "mounted": something is mounted there: device or resource busy \(EBUSY\)/,
    )
    assert.equal(readdirSync(outside), ['keep'])
  } finally {
    unmount(join(directory, 'sub/mounted'))
  }
  await remove(directory)
  assert.not.ok(existsSync(directory))
})

test('locks: one at a time, or several that share; given back by release and by death', async () => {
  const path = newPath('lock')
  const first = await lock(path, 'exclusive')
  let second = false
  const waiting = lock(path, 'exclusive').then((held) => {
    second = true
    return held
  })
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.is(second, false)
  await first.release()
  await (await waiting).release()
  const shared = await Promise.all([lock(path, 'shared'), lock(path, 'shared')])
  await Promise.all(shared.map((held) => held.release()))
  symlinkSync(path, `${path}-link`)
  assert.match(await failure(lock(`${path}-link`, 'shared')), /ELOOP/)
  assert.match(await failure(lock(`${path}/x`, 'shared')), /ENOTDIR/)
})

test('a lock ends with its holder, whose children do not have it', async () => {
  const path = newPath('lock')
  const holder = `import { spawn } from 'node:child_process'
    const { lock } = await import(${JSON.stringify(join(projectDir, 'bundles/host/lock.ts'))})
    await lock(${JSON.stringify(path)}, 'exclusive')
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    process.stdout.write(String(child.pid))
    setInterval(() => undefined, 1000)`
  const program = spawn(process.execPath, ['-e', holder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [pid] = (await once(program.stdout, 'data')) as [Buffer]
  try {
    const waiting = lock(path, 'exclusive')
    program.kill('SIGKILL')
    await (await waiting).release()
    // Nothing at all holds it now.
    await (await lock(path, 'exclusive')).release()
  } finally {
    process.kill(Number(pid.toString()), 'SIGKILL')
  }
})

test('wrong calls', () => {
  for (const args of [[], ['nonsense'], ['apply'], ['walk', '--', 'a'], ['pack', '--', 'a', 'b'], ['run']]) {
    const called = files(...args)
    assert.is(called.status, 2, args.join(' '))
    assert.match(called.stderr, /^usage: tsdock-files/)
  }
  assert.is(files('pack', '--nonsense', '--', '/').status, 1)
  assert.match(files('read', '--limit=-1', '--', '/', 'x').stderr, /the number "-1"/)
})

test('names in messages cannot move the cursor', async () => {
  const directory = newDir('tree')
  await applyItems(directory, [{ type: 'directory', path: 'a\x1b[2J' }])
  setXattr(directory, 'user.a', '00')
  const outcome = await failure(read(directory, 'a\x1b[2J'))
  assert.match(outcome, /"a\?\[2J"/)
  assert.is(listTree(directory).length, 2)
})

run()
