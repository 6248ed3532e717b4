// SPDX-License-Identifier: Apache-2.0
//
// CVE-2018-15664, CVE-2025-47290, CVE-2026-42306, CVE-2024-23652: names that change hands while files are copied in or out,
// unpacked, read and removed. An attacker swaps a directory and a link to the outside as fast as it can.
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { read, remove, walk } from '../../bundles/host/files.ts'
import { decodeEntries } from '../../bundles/layers/frame.ts'
import { helpers } from '../helpers/leaks.ts'
import { programPath } from '../helpers/programs.ts'
import { startProgram } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { applyItems, type Item, listTree, packed } from '../helpers/tree.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('races')

const SECONDS = 3

interface Field {
  /** What is attacked: `a` is a directory, `b` a link to the canary, and they change places. */
  readonly directory: string
  readonly canary: string
}

/** Directory and canary look the same from inside: what is done to the one would work on the other. */
function makeField(): Field {
  const [directory, canary] = [newDir('attacked'), newDir('canary')]
  for (const place of [join(directory, 'a'), canary]) {
    mkdirSync(join(place, 'sub'), { recursive: true })
    writeFileSync(join(place, 'file'), place === canary ? 'secret' : 'public')
    writeFileSync(join(place, 'sub/file'), place === canary ? 'secret' : 'public')
  }
  symlinkSync(canary, join(directory, 'b'))
  return { directory, canary }
}

/** Repeats an action under attack. Returns how often it worked and failed; the canary must stay as it is. */
async function underAttack({ directory, canary }: Field, action: () => Promise<void>): Promise<void> {
  const before = listTree(canary, { xattrs: true })
  const attacker = startProgram(programPath('swap-paths'), [
    join(directory, 'a'),
    join(directory, 'b'),
    String(SECONDS),
  ])
  helpers.add(attacker.child.pid ?? 0)
  let [worked, failed] = [0, 0]
  const end = performance.now() + (SECONDS - 0.5) * 1000
  while (performance.now() < end) {
    await action().then(
      () => worked++,
      () => failed++,
    )
    assert.equal(
      listTree(canary),
      before.filter((line) => !line.startsWith("b'")),
    )
  }
  await attacker.ended
  helpers.delete(attacker.child.pid ?? 0)
  assert.equal(listTree(canary, { xattrs: true }), before)
  process.stdout.write(`${worked} times done, ${failed} times refused\n`)
  assert.ok(worked + failed > 3)
}

const file = (path: string, contents = 'x'): Item => ({ type: 'file', path, contents, mode: 0o666 })

test('copies into a directory that is swapped for a link', async () => {
  const field = makeField()
  const items: readonly Item[] = [
    file('a/new'),
    file('a/file', 'overwritten'),
    file('a/sub/deep/er', 'x'),
    { type: 'directory', path: 'a/dir', mode: 0o777 },
    { type: 'symlink', path: 'a/link', link: 'x' },
    { type: 'fifo', path: 'a/fifo', mode: 0o777 },
    { type: 'hardLink', path: 'a/hard', link: 'a/new' },
  ]
  await underAttack(field, () => applyItems(field.directory, items, { merge: true }))
})

test('a layer unpacked into a directory that is swapped for a link', async () => {
  const field = makeField()
  const items: readonly Item[] = [
    { type: 'directory', path: 'a', mode: 0o777, seconds: 5 },
    { type: 'whiteout', path: 'a/gone' },
    { type: 'opaque', path: 'a/sub' },
    file('a/file', 'overwritten'),
    { type: 'directory', path: 'a/file', mode: 0o777 },
  ]
  await underAttack(field, () => applyItems(field.directory, items))
})

test('copies from a directory that is swapped for a link never have what lies outside', async () => {
  const field = makeField()
  const copy: Item = { type: 'copy', path: 'copied', link: 'a/file', follow: true }
  await underAttack(field, async () => {
    const target = newDir('target')
    try {
      await applyItems(target, [copy], { merge: true, source: field.directory })
      assert.is(readFileSync(join(target, 'copied'), 'utf8'), 'public')
    } finally {
      await remove(target)
    }
  })
})

test('reading, walking and packing show nothing of the outside', async () => {
  const field = makeField()
  let leaked = ''
  await underAttack(field, async () => {
    for (const path of ['a/file', 'b/file']) {
      const text = await read(field.directory, path).then(String, () => 'public')
      if (text !== 'public') leaked = `${path}: ${text}`
    }
    const tar = await packed(field.directory)
    if (tar.includes('secret')) leaked = 'packed'
    const walked = decodeEntries(
      await walk(field.directory, 'a', { follow: true }).catch(() => walk(field.directory, '')),
    )
    if (walked.some(({ link }) => link === 'secret')) leaked = 'walked'
  })
  assert.is(leaked, '')
})

/** Flips a directory and a link to the canary in a tree that comes and goes. */
const flipper = `import os, sys, time
tree, canary, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        os.rename(tree + '/a', tree + '/away')
        os.symlink(canary, tree + '/a')
        os.unlink(tree + '/a')
        os.rename(tree + '/away', tree + '/a')
    except OSError:
        pass
`

test('removing a tree whose directories become links meanwhile', async () => {
  const { directory, canary } = makeField()
  const before = listTree(canary)
  const tree = join(directory, 'tree')
  const attacker = startProgram('python3', ['-c', flipper, tree, canary, String(SECONDS)])
  helpers.add(attacker.child.pid ?? 0)
  let [removed, refused] = [0, 0]
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; ) {
    // Whole from the start: what is made below a link would be made outside.
    const fresh = newDir('fresh')
    mkdirSync(join(fresh, 'a/sub'), { recursive: true })
    for (const name of ['a/file', 'a/sub/file']) writeFileSync(join(fresh, name), '')
    renameSync(fresh, tree)
    await remove(tree).then(
      () => removed++,
      () => refused++,
    )
    while (existsSync(tree)) await remove(tree).catch(() => undefined)
    assert.equal(listTree(canary), before)
  }
  await attacker.ended
  helpers.delete(attacker.child.pid ?? 0)
  process.stdout.write(`${removed} times removed, ${refused} times refused\n`)
  assert.ok(removed > 3)
})

test('links that containers have on purpose are followed inside of them', async () => {
  const directory = newDir('rootfs')
  mkdirSync(join(directory, 'run'))
  mkdirSync(join(directory, 'var'))
  symlinkSync('/run', join(directory, 'var/run'))
  await applyItems(directory, [file('var/run/app/pid', '1')], { merge: true })
  assert.is(readFileSync(join(directory, 'run/app/pid'), 'utf8'), '1')
  renameSync(join(directory, 'run'), join(directory, 'run2'))
  assert.match(
    await applyItems(directory, [file('var/run/x')], { merge: true }).then(String, (e: Error) => e.message),
    /openat2 "var\/run"/,
  )
})

run()
