// SPDX-License-Identifier: Apache-2.0
// What the storage holds and who has it: volume commands, system df, rmi, prune; and what killed processes leave.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { processStart } from '../../bundles/containers/container-store.ts'
import { parseVolumeFlag } from '../../bundles/volumes/volume-flag.ts'
import { HandContainer, type HandOptions } from '../helpers/hand-container.ts'
import { buildBase, Dock, newContext, nothingLeft, type Run } from '../helpers/tsdock.ts'

/** A storage with the base image. */
function newDock(): Dock {
  const dock = new Dock()
  buildBase(dock)
  return dock
}

const lines = ({ stdout }: Run): readonly string[] => stdout.split('\n').filter((line) => line !== '')
const withVolume = (name: string, more: HandOptions = {}): HandOptions => ({
  requests: [parseVolumeFlag(name, '/')],
  ...more,
})

async function running(dock: Dock, options: HandOptions, use: (container: HandContainer) => Promise<void> | void) {
  const container = await HandContainer.create(dock, options)
  await container.start()
  try {
    await use(container)
  } finally {
    await container.stop()
  }
}

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP tsdock prune: needs root\n')
} else {
  test('volume create, ls, inspect, rm', async () => {
    const dock = newDock()
    assert.is(dock.must('volume', 'create', '--label', 'a=1', '--label', 'b', 'one').stdout, 'one\n')
    assert.is(dock.must('volume', 'create', 'one').stdout, 'one\n')
    assert.match(dock.must('volume', 'create').stdout, /^[0-9a-f]{64}\n$/)
    dock.must('volume', 'create', '--name', 'two')
    await HandContainer.create(dock, withVolume('used:/u'))
    assert.match(
      dock.must('volume', 'ls').stdout,
      /^DRIVER +VOLUME NAME\nlocal +[0-9a-f]{64}\nlocal +one\nlocal +two\nlocal +used\n$/,
    )
    const shown = (...filters: string[]): readonly string[] =>
      lines(dock.must('volume', 'ls', '-q', ...filters.flatMap((filter) => ['-f', filter]))).map((name) =>
        name.slice(0, 8),
      )
    assert.equal(shown('dangling=false'), ['used'])
    assert.is(shown('dangling=true').length, 3)
    assert.equal(shown('name=o'), ['one', 'two'])
    assert.equal(shown('label=b'), ['one'])
    assert.equal(shown('label=a=2'), [])
    assert.equal(shown('driver=local', 'name=us'), ['used'])
    assert.is(dock.run('volume', 'ls', '-f', 'x=y').stderr, "tsdock: invalid filter 'x'\n")
    const [one] = JSON.parse(dock.must('volume', 'inspect', 'one').stdout) as Record<string, unknown>[]
    assert.equal(
      { ...one, CreatedAt: '' },
      {
        CreatedAt: '',
        Driver: 'local',
        Labels: { a: '1', b: '' },
        Mountpoint: join(dock.storage, 'volumes/one/_data'),
        Name: 'one',
        Options: null,
        Scope: 'local',
      },
    )
    const missing = dock.run('volume', 'inspect', 'none')
    assert.equal([missing.status, missing.stdout, missing.stderr], [1, '[]\n', 'tsdock: get none: no such volume\n'])
    const removed = dock.run('volume', 'rm', 'none', 'used', 'one')
    assert.equal([removed.status, removed.stdout], [1, 'one\n'])
    assert.match(removed.stderr, /get none: no such volume\n.*remove used: volume is in use - \[[0-9a-f]{64}\]\n/)
    assert.is(dock.must('volume', 'rm', '-f', 'none').stdout, 'none\n')
    nothingLeft(dock)
  })

  test('wrong volumes', () => {
    const dock = newDock()
    const fails = (words: string, ...args: string[]): void => {
      const { status, stderr } = dock.run('volume', 'create', ...args)
      assert.is(status, 1, args.join(' '))
      assert.ok(stderr.includes(words), stderr)
    }
    fails('includes invalid characters for a local volume name', 'a/b')
    fails('includes invalid characters for a local volume name', '.ab')
    fails('volume name is too short', 'a')
    fails('plugin "x" not found', '-d', 'x', 'ab')
    fails('invalid option: "x"', '-o', 'x=1', 'ab')
    fails('missing required option: "device"', '-o', 'type=tmpfs', 'ab')
    fails('quota size requested but no quota support', '-o', 'size=1', 'ab')
    assert.is(dock.must('volume', 'ls', '-q').stdout, '')
  })

  test('volume prune', async () => {
    const dock = newDock()
    const anonymous = dock.must('volume', 'create').stdout.trim()
    writeFileSync(join(dock.storage, 'volumes', anonymous, '_data/x'), 'x'.repeat(2000))
    dock.must('volume', 'create', '--label', 'keep', 'named')
    await HandContainer.create(dock, withVolume('/anon'))
    assert.is(dock.run('volume', 'prune').status, 1)
    const asked = dock.runWith({ input: 'n\n' }, 'volume', 'prune')
    assert.match(
      asked.stdout,
      /^WARNING! This will remove anonymous local volumes not used by at least one container\.\nAre you sure/,
    )
    const yes = dock.runWith({ input: 'y\n' }, 'volume', 'prune')
    assert.ok(yes.stdout.endsWith(`Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 2kB\n`), yes.stdout)
    assert.is(dock.must('volume', 'prune', '-f').stdout, 'Total reclaimed space: 0B\n')
    assert.is(dock.must('volume', 'prune', '-a', '-f', '--filter', 'label!=keep').stdout, 'Total reclaimed space: 0B\n')
    assert.match(dock.must('volume', 'prune', '-a', '-f').stdout, /^Deleted Volumes:\nnamed\n/)
    assert.is(lines(dock.must('volume', 'ls', '-q')).length, 1)
  })

  test('rmi spares what containers have, and so does prune', async () => {
    const dock = newDock()
    dock.must(
      'build',
      '-q',
      '-t',
      'localhost/app',
      newContext({ Dockerfile: 'FROM localhost/base\nRUN echo 1 > /one\n' }),
    )
    const container = await HandContainer.create(dock, { image: 'localhost/app' })
    const short = container.record.image.manifest.digest.slice(7, 19)
    const id = container.record.id.slice(0, 12)
    const refused = (words: string, ...args: string[]): void => {
      const { status, stderr } = dock.run('rmi', ...args)
      assert.equal([status, stderr], [1, `tsdock: ${words}\n`])
    }
    refused(
      `conflict: unable to remove repository reference "localhost/app" (must force) - container ${id} is using its referenced image ${short}`,
      'localhost/app',
    )
    refused(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${id}`,
      short,
    )
    await container.start()
    refused(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${id}`,
      '-f',
      short,
    )
    dock.must('tag', 'localhost/app', 'localhost/other')
    refused(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
      short,
    )
    assert.is(dock.must('rmi', 'localhost/other').stdout, 'Untagged: localhost/other:latest\n')
    assert.is(dock.must('rmi', '-f', 'localhost/app').stdout, 'Untagged: localhost/app:latest\n')
    dock.must('rmi', 'localhost/base')
    // All that can go goes: the container must not notice, even when nothing else knows its image any more.
    const index = join(dock.storage, 'images/index.json')
    writeFileSync(index, JSON.stringify({ ...(JSON.parse(readFileSync(index, 'utf8')) as object), manifests: [] }))
    dock.must('system', 'prune', '-a', '-f')
    assert.is(container.exec('/bin/cat', '/one').stdout, '1\n')
    await container.stop()
    dock.must('system', 'prune', '-a', '-f', '--filter', 'label=none')
    dock.must('cp', `${container.name}:/one`, join(dock.storage, 'one'))
    assert.is(dock.must('commit', container.name, 'localhost/again').status, 0)
    assert.is(dock.runImage('localhost/again', '/bin/cat', '/one'), '1\n')
    rmSync(join(dock.storage, 'one'))
    // Without the container, nothing of it stays.
    const pruned = dock.must('system', 'prune', '-a', '-f').stdout
    assert.match(pruned, new RegExp(`^Deleted Containers:\n${container.record.id}\n\nDeleted Images:\n`))
    assert.match(pruned, /\nTotal reclaimed space: [1-9][0-9.]*MB\n$/)
    assert.equal(readdirSync(join(dock.storage, 'images/blobs/sha256')), [])
    assert.equal(readdirSync(join(dock.storage, 'layers')), ['empty'])
    assert.equal(readdirSync(join(dock.storage, 'names')), [])
    nothingLeft(dock)
  })

  test('an image of several platforms is in use by the container of one of them', () => {
    const dock = newDock()
    const context = newContext({ Dockerfile: 'FROM scratch\nCOPY f /\nCMD ["/f"]\n', f: 'x' })
    dock.must('build', '-q', '--platform', 'linux/amd64,linux/arm64', '-t', 'both', context)
    dock.must('create', '--name', 'user', '--net', 'none', 'both')
    assert.is(dock.must('ps', '-a', '--format', '{{.Image}}').stdout, 'both\n')
    assert.is(dock.must('ps', '-aq', '--filter', 'ancestor=both').stdout.trim().length, 12)
    assert.match(dock.run('rmi', 'both').stderr, 'conflict: unable to remove repository reference "both"')
    dock.must('image', 'prune', '-a', '-f')
    assert.match(dock.must('images').stdout, /^both /m)
    dock.must('rm', 'user')
    dock.must('image', 'prune', '-a', '-f')
    assert.not.match(dock.must('images').stdout, /both/)
  })

  test('container prune and image prune', async () => {
    const dock = newDock()
    const old = await HandContainer.create(dock, withVolume('kept:/k'))
    await running(dock, {}, async (container) => {
      assert.match(
        dock.runWith({ input: '\n' }, 'container', 'prune').stdout,
        /^WARNING! This will remove all stopped containers\./,
      )
      assert.is(dock.must('container', 'prune', '-f', '--filter', 'until=1h').stdout, 'Total reclaimed space: 0B\n')
      assert.match(
        dock.must('container', 'prune', '-f').stdout,
        new RegExp(`^Deleted Containers:\n${old.record.id}\n\nTotal`),
      )
      assert.ok(existsSync(join(dock.storage, 'containers', container.record.id)))
      assert.equal(readdirSync(join(dock.storage, 'containers')), [container.record.id])
    })
    assert.is(dock.must('volume', 'rm', 'kept').stdout, 'kept\n')
    dock.must('build', '-q', newContext({ Dockerfile: 'FROM localhost/base\nRUN echo 2 > /two\nLABEL x=y\n' }))
    assert.is(
      dock.must('image', 'prune', '-f', '--filter', 'label=x=z').stdout.split('\n').at(-2)?.slice(0, 5),
      'Total',
    )
    assert.match(
      dock.must('image', 'prune', '-f').stdout,
      /^Deleted Images:\ndeleted: sha256:[0-9a-f]{64}\n\nTotal reclaimed/,
    )
    assert.match(dock.must('image', 'prune', '-a', '-f').stdout, /^Total reclaimed/)
    dock.must('container', 'prune', '-f')
    assert.match(
      dock.must('image', 'prune', '-a', '-f').stdout,
      /^Deleted Images:\nuntagged: localhost\/base:latest\ndeleted: /,
    )
  })

  test('system df', async () => {
    const dock = newDock()
    const used = await HandContainer.create(dock, withVolume('df:/v'))
    writeFileSync(join(dock.storage, 'volumes/df/_data/x'), 'x'.repeat(1500))
    dock.must('volume', 'create', 'free')
    await running(dock, {}, (container) => {
      container.exec('/bin/sh', '-c', 'head -c 3000 /dev/zero > /zeros')
      const rows = lines(dock.must('system', 'df', '--format', 'json')).map(
        (line) => JSON.parse(line) as Record<string, string>,
      )
      assert.equal(
        rows.map(({ Type, TotalCount, Active }) => `${Type} ${TotalCount} ${Active}`),
        ['Images 1 1', 'Containers 2 1', 'Local Volumes 2 1', 'Build Cache 4 0'],
      )
      assert.equal([rows[1]?.['Size'], rows[1]?.['Reclaimable']], ['3kB', '0B (0%)'])
      assert.equal([rows[2]?.['Size'], rows[2]?.['Reclaimable']], ['1.5kB', '0B (0%)'])
      assert.match(
        dock.must('system', 'df').stdout,
        /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +1 +[0-9.]+MB +0B \(0%\)\n/,
      )
      const all = dock.must('system', 'df', '-v').stdout
      assert.match(all, /Images space usage:\n\nREPOSITORY +TAG .*\nlocalhost\/base +latest .* 2\n/)
      assert.match(
        all,
        new RegExp(`${used.record.id.slice(0, 12)} +localhost/base .* 1 +0B +.* Created +${used.name}\n`),
      )
      assert.match(all, /\nVOLUME NAME +LINKS +SIZE\ndf +1 +1\.5kB\nfree +0 +0B\n/)
    })
  })

  test('what killed processes left is mended', async () => {
    const dock = newDock()
    const container = await HandContainer.create(dock, {})
    await container.start()
    const at = (...parts: string[]): string => join(dock.storage, ...parts)
    // Its init is killed, and nobody says so.
    const pid = Number(readFileSync(at('containers', container.record.id, 'pid'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    for (let i = 0; i < 100 && (await processStart(pid)) !== undefined; i++) await setTimeout(50)
    const unborn = 'a'.repeat(64)
    mkdirSync(at('containers', unborn, 'diff'), { recursive: true })
    symlinkSync(unborn, at('names/unborn'))
    mkdirSync(at('volumes/half/_data'), { recursive: true })
    mkdirSync(at('volumes/.new-x/_data'), { recursive: true })
    const mounted = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(dock.storage)
    assert.ok(mounted())
    const said = dock.must('fsck').stdout
    for (const words of ['the mount of container', unborn, 'names/unborn', 'volumes/half', 'volumes/.new-x'])
      assert.ok(said.includes(words), `${words} in ${said}`)
    assert.is(mounted(), false)
    assert.equal(readdirSync(at('containers')), [container.record.id])
    assert.equal(readdirSync(at('names')), [container.name])
    assert.equal(
      readdirSync(container.stateRoot).filter((name) => /^[0-9a-f]{64}$/.test(name)),
      [],
    )
    assert.is(dock.must('container', 'prune', '-f').stdout.split('\n')[1], container.record.id)
    assert.match(dock.must('fsck').stdout, /^The storage is in order\.\n$/)
  })

  test('a command that is killed leaves no lock and no mount', async () => {
    const dock = newDock()
    const container = await HandContainer.create(dock, withVolume('lock:/v'))
    const child = spawn(join(import.meta.dirname, '../../dist/bin/tsdock'), ['cp', '-', `${container.name}:/v`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, TSDOCK_ROOT: dock.storage },
    })
    await setTimeout(500)
    child.kill('SIGKILL')
    dock.must('cp', '/etc/hostname', `${container.name}:/v`)
    dock.must('fsck')
    nothingLeft(dock)
  })
}

test.run()
