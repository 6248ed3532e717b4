// SPDX-License-Identifier: Apache-2.0
// Lists of images, and --platform of commands on images that are here.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { findOnPath } from '../helpers/tools.ts'
import { Dock, newContext, nothingLeft, runProgram } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const own = hostPlatform().architecture
const other = own === 's390x' ? 'ppc64le' : 's390x'
const context = newContext({
  Dockerfile: 'FROM scratch\nARG TARGETARCH\nARG X\nLABEL x=$X stage=test\nCOPY a /a\nENV FOR=$TARGETARCH\n',
  a: 'a',
})

const build = (x: string, ...args: readonly string[]): string =>
  dock.must('build', '-q', '--build-arg', `X=${x}`, ...args, context).stdout.trim()

const lines = (text: string): readonly string[] => text.split('\n').slice(0, -1)
const listed = (...args: readonly string[]): readonly string[] =>
  lines(dock.must('images', '--format', '{{.Repository}}:{{.Tag}}', ...args).stdout)
const filtered = (...filters: readonly string[]): readonly string[] =>
  listed(...filters.flatMap((filter) => ['--filter', filter]))

function failure(...args: readonly string[]): string {
  const run = dock.run(...args)
  assert.ok(run.status !== 0, args.join(' '))
  return run.stderr
}

const ids = new Map<string, string>()

function makeImages(): void {
  for (const name of ['localhost/me/app:v1', 'busy:1.0', 'busy:latest']) ids.set(name, build(name, '-t', name))
  ids.set('old', build('old', '-t', 'busy:moved'))
  ids.set('new', build('new', '-t', 'busy:moved'))
  ids.set('nameless', build('nameless'))
  build('all', '-t', 'multi', '--platform', `linux/${own},linux/${other}`)
}

test('dangling images are shown, and told apart', () => {
  const all = [
    'multi:latest',
    '<none>:<none>',
    'busy:moved',
    '<none>:<none>',
    'busy:latest',
    'busy:1.0',
    'localhost/me/app:v1',
  ]
  assert.equal(listed(), all)
  assert.equal(listed('-a'), all)
  const dangling = lines(dock.must('images', '-q', '--no-trunc', '-f', 'dangling=true').stdout)
  assert.equal(dangling, [ids.get('nameless'), ids.get('old')])
  assert.equal(
    filtered('dangling=false'),
    all.filter((name) => name !== '<none>:<none>'),
  )
})

test('filters of images', () => {
  assert.equal(filtered('label=x=busy:1.0'), ['busy:1.0'])
  assert.equal(filtered('label=stage=test', 'label=x=old'), ['<none>:<none>'])
  assert.equal(filtered('label=nope'), [])
  assert.equal(filtered('label!=x=busy:1.0', 'reference=busy'), ['busy:moved', 'busy:latest'])
  assert.equal(filtered('before=busy:1.0'), ['localhost/me/app:v1'])
  assert.equal(filtered('since=busy:moved'), ['multi:latest', '<none>:<none>'])
  assert.equal(filtered('since=busy:1.0', 'before=busy:moved'), ['<none>:<none>', 'busy:latest'])
  assert.equal(filtered(`before=${ids.get('busy:1.0')?.slice(7, 19)}`), ['localhost/me/app:v1'])
  assert.equal(filtered('until=1h'), [])
  assert.is(filtered(`until=${Math.ceil(Date.now() / 1000)}`).length, 7)
  assert.equal(filtered('reference=busy*:m*', 'reference=multi'), ['multi:latest', 'busy:moved'])
  assert.match(failure('images', '-f', 'nope=1'), /invalid filter 'nope'/)
  assert.match(failure('images', '-f', 'dangling'), /must be "KEY=VALUE"/)
  assert.match(failure('images', '-f', 'dangling=perhaps'), /invalid filter 'dangling=perhaps'/)
  assert.match(failure('images', '-f', 'before=nowhere'), /No such image: nowhere/)
  assert.match(failure('images', '-f', 'until=soon'), /until=soon/)
})

test('columns that templates of docker name', () => {
  const row = JSON.parse(dock.must('images', '--format', 'json', 'busy:1.0').stdout) as Record<string, string>
  const names = 'Containers CreatedAt CreatedSince Digest ID Repository SharedSize Size Tag UniqueSize VirtualSize'
  assert.is(Object.keys(row).sort().join(' '), names)
  assert.match(row['CreatedAt'] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/)
})

test('names and patterns', () => {
  assert.equal(listed('busy'), ['busy:moved', 'busy:latest', 'busy:1.0'])
  assert.equal(listed('busy:1.0'), ['busy:1.0'])
  assert.equal(listed('*/me/*'), ['localhost/me/app:v1'])
  assert.equal(listed('docker.io/library/busy:1.0'), ['busy:1.0'])
  assert.equal(listed('nowhere'), [])
  assert.match(failure('images', '['), /invalid filter 'reference=\['/)
})

test('the tree of images shows their platforms', () => {
  dock.must('tag', 'busy:1.0', 'busy:again')
  const text = Buffer.from(dock.must('image', 'ls', '--tree').stdout, 'latin1').toString()
  assert.match(text, /^IMAGE +ID +DISK USAGE +CONTENT SIZE +USED\n/)
  assert.match(
    text,
    new RegExp(`\nmulti:latest +[0-9a-f]{12} .*\n├─ linux/${own} +[0-9a-f]{12} .*\n└─ linux/${other} `),
  )
  assert.match(text, new RegExp(`\nbusy:(1.0|again)\nbusy:(1.0|again) .*\n└─ linux/${own} .*B`))
  assert.match(text, /\n<untagged> /)
  assert.is(lines(dock.must('images', '--tree', 'busy:moved').stdout).length, 3)
  dock.must('rmi', 'busy:again')
  for (const flag of ['-q', '--no-trunc', '--digests', '--format=json'])
    assert.match(failure('images', '--tree', flag), /is not yet supported with --tree/)
})

const envOf = (...args: readonly string[]): string =>
  dock.must('image', 'inspect', '-f', '{{.Config.Env}}', ...args).stdout

test('inspect and history of one platform', () => {
  assert.match(envOf('multi'), new RegExp(`FOR=${own}`))
  assert.match(envOf('--platform', `linux/${other}`, 'multi'), new RegExp(`FOR=${other}`))
  assert.match(
    dock.must('history', '--platform', other, 'multi').stdout,
    new RegExp(`TARGETARCH=${other}|FOR=${other}`),
  )
  for (const command of [['image', 'inspect'], ['history'], ['save', '-o', '/dev/null']]) {
    assert.match(
      failure(...command, '--platform', 'linux/riscv64', 'multi'),
      /multi was found but does not provide the specified platform \(linux\/riscv64\)/,
    )
    assert.match(failure(...command, '--platform', other, 'busy'), /does not provide the specified platform/)
  }
  assert.match(failure('history', '--platform', 'a/b/c/d', 'multi'), /platform/)
})

test('history for programs', () => {
  const [head = '', ...rows] = lines(dock.must('history', '--human=false', 'busy').stdout)
  assert.match(head, /^IMAGE +CREATED AT +CREATED BY +SIZE/)
  assert.match(rows.join('\n'), /1970-01-01T00:00:00Z .*COPY a \/a +\d{4}$/m)
  assert.match(dock.must('history', '-H', 'busy').stdout, /years ago/)
})

const load = (of: Dock, file: string, ...args: readonly string[]) => of.run('image', 'load', '-i', file, ...args)

test('save and load of one platform, and of all tags', () => {
  const file = join(newDir('save'), 'a.tar')
  dock.must('image', 'save', '--platform', other, '-o', file, 'multi')
  const there = new Dock()
  assert.is(load(there, file).stdout, 'Loaded image: multi:latest\n')
  assert.is(there.must('inspect', '-f', '{{.Architecture}}', 'multi').stdout, `${other}\n`)
  assert.match(load(new Dock(), file, '--platform', own).stderr, /requested platform \(linux\/.*\) not found/)
  // All of it again, and what is for the other one out of it.
  dock.must('save', '-o', file, 'multi', 'busy', ids.get('nameless') ?? '')
  const all = new Dock()
  const loaded = load(all, file).stdout.split('\n').sort().filter(Boolean)
  assert.equal(
    loaded.filter((line) => !line.startsWith('Loaded image ID')),
    ['busy:1.0', 'busy:latest', 'busy:moved', 'multi:latest'].map((name) => `Loaded image: ${name}`),
  )
  assert.is(loaded.length, 5)
  dock.must('save', '-o', file, 'multi')
  const one = new Dock()
  assert.is(load(one, file, '--platform', other).status, 0)
  assert.is(one.must('image', 'inspect', '--platform', other, '-f', '{{.Architecture}}', 'multi').stdout, `${other}\n`)
  assert.match(one.run('image', 'inspect', '--platform', own, 'multi').stderr, /does not provide/)
  // What is here of it is saved again.
  assert.is(one.run('save', '-o', file, 'multi').status, 0)
  assert.match(load(new Dock(), file, '--platform', 'linux/riscv64').stderr, /linux\/riscv64\) not found/)
})

test('layouts of skopeo', () => {
  if (findOnPath('skopeo') === undefined) {
    process.stdout.write('SKIP images: layouts of skopeo: no skopeo on this host\n')
    return
  }
  const place = newDir('skopeo')
  const archive = join(place, 'busy.tar')
  dock.must('save', '-o', archive, 'busy:1.0')
  const loadAs = (ref: string): string => {
    const [layout, tar] = [join(place, `oci-${ref}`), join(place, `${ref}.tar`)]
    const from = `oci-archive:${archive}`
    const copied = runProgram('skopeo', ['--insecure-policy', 'copy', '-q', from, `oci:${layout}:${ref}`])
    assert.is(copied.status, 0, copied.stderr)
    spawnSync('tar', ['-C', layout, '-cf', tar, '.'])
    const there = new Dock()
    const { status, stdout, stderr } = load(there, tar)
    assert.is(status, 0, stderr)
    return stdout.replace(/[0-9a-f]{64}/, 'HEX')
  }
  assert.is(loadAs('big'), 'Loaded image: big:latest\n')
  assert.is(loadAs('v1'), 'Loaded image ID: sha256:HEX\n')
  assert.is(loadAs('latest'), 'Loaded image ID: sha256:HEX\n')
})

const blobs = (): readonly string[] => readdirSync(join(dock.storage, 'images/blobs/sha256')).sort()

test('rmi takes one platform out of an image', () => {
  assert.match(failure('rmi', '--platform', own, 'busy:1.0'), /image for linux\/.* alone: remove it without --platform/)
  assert.match(failure('rmi', '--platform', 'linux/riscv64', 'multi'), /does not provide/)
  dock.must('tag', 'multi', 'same')
  const before = blobs()
  assert.match(
    dock.must('rmi', '--no-prune', '--platform', `linux/${other}`, 'multi').stdout,
    /^Deleted: sha256:\w+\n$/,
  )
  assert.match(failure('history', '--platform', other, 'multi'), /does not provide/)
  assert.match(envOf('same'), new RegExp(`FOR=${own}`))
  dock.must('prune')
  assert.ok(blobs().length < before.length)
  assert.match(dock.must('fsck').stdout, /in order/)
  assert.is(dock.must('image', 'remove', '--no-prune', 'same').stdout, 'Untagged: same:latest\n')
})

test('prune removes what is dangling, and with -a what is unused', () => {
  const { stdout } = dock.must('image', 'prune', '-f')
  assert.is(lines(stdout).filter((line) => line.startsWith('deleted: ')).length, 2)
  assert.equal(filtered('dangling=true'), [])
  assert.is(listed().length, 5)
  dock.must('image', 'prune', '-a', '-f')
  assert.equal(listed(), [])
})

test('content trust cannot be had', () => {
  for (const command of [
    ['pull', 'x'],
    ['push', 'x'],
    ['build', '.'],
  ]) {
    const { status, stderr } = dock.run(command[0] ?? '', '--disable-content-trust=false', command[1] ?? '')
    assert.is(status, 125)
    assert.match(stderr, /signatures of content trust \(Notary\) are not supported/)
  }
})

test('builder prune removes what builds keep', () => {
  const there = new Dock()
  const count = (): number => readdirSync(join(there.storage, 'cache/steps')).length
  const dir = newContext({ Dockerfile: 'FROM scratch\nCOPY a /a\n', a: 'a' })
  there.must('build', '-q', '-t', 'kept', dir)
  writeFileSync(join(dir, 'a'), 'b'.repeat(5000))
  there.must('image', 'build', '-q', '-t', 'gone', dir)
  there.must('rmi', 'gone')
  there.must('prune')
  assert.is(count(), 2)
  assert.match(
    there.runWith({ input: '\n' }, 'builder', 'prune').stdout,
    /^WARNING! This will remove all dangling build cache/,
  )
  assert.is(there.must('builder', 'prune', '-f', '--filter', 'until=1h').stdout, 'Total reclaimed space: 0B\n')
  assert.is(there.must('builder', 'prune', '-f', '--keep-storage', '1g').stdout, 'Total reclaimed space: 0B\n')
  assert.is(count(), 2)
  assert.match(
    there.must('builder', 'prune', '-f').stdout,
    /^Deleted build cache objects:\n[0-9a-f]{64}\n\nTotal reclaimed space: \d+(\.\d+)?kB\n$/,
  )
  assert.is(count(), 1)
  writeFileSync(join(dir, 'a'), 'a')
  there.must('builder', 'build', '-q', '--fail-on-miss', dir)
  there.must('builder', 'prune', '-f')
  assert.is(count(), 1)
  there.must('builder', 'prune', '-a', '-f')
  assert.is(count(), 0)
  // What was used last stays.
  const steps = join(there.storage, 'cache/steps')
  const age = (): void => {
    const old = new Date(Date.now() - 48 * 3600_000)
    for (const name of readdirSync(steps)) utimesSync(join(steps, name), old, old)
  }
  there.must('build', '-q', dir)
  writeFileSync(join(dir, 'a'), 'c'.repeat(7000))
  there.must('build', '-q', dir)
  age()
  there.must('build', '-q', '--fail-on-miss', dir)
  assert.match(there.must('builder', 'prune', '-a', '-f', '--filter', 'until=24h').stdout, /^Deleted .*:\n\w{64}\n\n/)
  there.must('build', '-q', '--fail-on-miss', dir)
  there.must('image', 'prune', '-a', '-f')
  writeFileSync(join(dir, 'a'), 'd'.repeat(7000))
  age()
  there.must('build', '-q', '-o', join(dir, 'out'), dir)
  assert.match(there.must('builder', 'prune', '-f', '--keep-storage', '10k').stdout, /^Deleted .*:\n\w{64}\n\n/)
  there.must('build', '-q', '--fail-on-miss', '-o', join(dir, 'out'), dir)
  assert.match(there.must('builder', 'prune', '-f', '--filter', 'type=exec.cachemount').stdout, /^Total reclaimed/)
  assert.match(there.run('builder', 'prune', '-f', '--filter', 'nope=1').stderr, /invalid filter 'nope'/)
  assert.match(there.run('builder', 'prune', '-f', '--filter', 'type=x').stderr, /invalid filter 'type=x'/)
  assert.match(there.run('builder', 'prune', '-f', '--keep-storage', 'x').stderr, /keep-storage/)
  nothingLeft(there)
})

if (process.getuid?.() !== 0) process.stdout.write('SKIP images: needs root\n')
else {
  test.before(makeImages)
  test.after(() => {
    nothingLeft(dock)
    assert.not.ok(readFileSync('/proc/self/mountinfo', 'utf8').includes(dock.storage))
  })
  test.run()
}
