// SPDX-License-Identifier: Apache-2.0
// `tsdock cp` by Docker's rules, on containers that run and on others; and containers that want it to leave them.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseVolumeFlag } from '../../bundles/volumes/volume-flag.ts'
import { HandContainer, type HandOptions } from '../helpers/hand-container.ts'
import { programPath } from '../helpers/programs.ts'
import { buildBase, Dock, newContext, nothingLeft, type Run, writeFiles } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()
const image = `FROM localhost/base
RUN mkdir -p /d/sub /empty /run && echo f > /d/f && echo g > /d/sub/g && ln -s f /d/l && ln -s /d /dir-link && ln -s /d/f /file-link
RUN chown 1000:50 /d/f && chmod 4711 /d/f && ln /d/f /d/hard && ln -s /run /var/run && ln -s ../../../../etc /up
`

type Use = (container: HandContainer) => Promise<void> | void

/** The same on a container that runs and on one that does not. */
function both(title: string, use: Use, options: HandOptions = {}): void {
  for (const runs of [false, true]) {
    test(`${title} (${runs ? 'running' : 'stopped'})`, async () => {
      const container = await HandContainer.create(dock, { image: 'localhost/cp', ...options })
      try {
        if (runs) await container.start()
        await use(container)
      } finally {
        await container.stop()
      }
    })
  }
}

const cp = (...args: readonly string[]): Run => dock.run('cp', ...args)
const must = (...args: readonly string[]): void => void dock.must('cp', ...args)

function fails(words: string, ...args: readonly string[]): void {
  const { status, stderr } = cp(...args)
  assert.is(status, 1, `cp ${args.join(' ')}`)
  assert.ok(stderr.includes(words), `${stderr} does not say: ${words}`)
}

/** What is in a container, by copying it out. */
function read(container: HandContainer, path: string): string {
  const to = newDir('read')
  must('-L', `${container.name}:${path}`, join(to, 'x'))
  return readFileSync(join(to, 'x'), 'utf8')
}

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP tsdock cp: needs root\n')
} else {
  test.before(() => {
    buildBase(dock)
    dock.must('build', '-q', '-t', 'localhost/cp', newContext({ Dockerfile: image }))
  })
  test.after(() => nothingLeft(dock))

  both('a file out of it', (container) => {
    const to = newDir('out')
    const from = `${container.name}:/d/f`
    must(from, join(to, 'new'))
    must(from, to)
    writeFileSync(join(to, 'old'), 'old')
    must(from, join(to, 'old'))
    assert.equal(
      ['new', 'f', 'old'].map((name) => readFileSync(join(to, name), 'utf8')),
      ['f\n', 'f\n', 'f\n'],
    )
    const { uid, gid } = statSync(join(to, 'f'))
    assert.equal([uid, gid], [0, 0])
    must('-a', from, join(to, 'kept'))
    const kept = statSync(join(to, 'kept'))
    assert.equal([kept.uid, kept.gid, kept.mode & 0o7777], [1000, 50, 0o4711])
    fails('no such directory', from, `${join(to, 'missing')}/`)
    fails(`directory "${join(to, 'missing')}" does not exist`, from, join(to, 'missing/x'))
    fails(`Could not find the file /d/none in container ${container.name}`, `${container.name}:/d/none`, to)
    fails('not a directory', `${from}/`, to)
    assert.is(cp(`nobody:/x`, to).stderr, 'tsdock: No such container: nobody\n')
  })

  both('a directory out of it', (container) => {
    const to = newDir('out')
    const from = `${container.name}:/d`
    must(from, join(to, 'new'))
    must(from, to)
    must(`${from}/.`, join(to, 'new2'))
    mkdirSync(join(to, 'there'))
    must(`${from}/.`, join(to, 'there'))
    const all = ['f', 'hard', 'l', 'sub']
    for (const name of ['new', 'd', 'new2', 'there']) assert.equal(readdirSync(join(to, name)).sort(), all, name)
    assert.is(statSync(join(to, 'd/f')).ino, statSync(join(to, 'd/hard')).ino)
    assert.is(readlinkSync(join(to, 'd/l')), 'f')
    writeFileSync(join(to, 'file'), '')
    fails('cannot copy directory', from, join(to, 'file'))
    // A directory never takes the place of a file, and the other way round.
    mkdirSync(join(to, 'conflict/d/f'), { recursive: true })
    fails('a file in the place of the directory "d/f"', from, join(to, 'conflict'))
    writeFiles(join(to, 'other'), { 'd/sub': 'a file' })
    fails('a directory in the place of the file "d/sub"', from, join(to, 'other'))
  })

  both('links as the source', (container) => {
    const to = newDir('out')
    must(`${container.name}:/file-link`, to)
    assert.is(readlinkSync(join(to, 'file-link')), '/d/f')
    must('-L', `${container.name}:/file-link`, join(to, 'f'))
    assert.is(readFileSync(join(to, 'f'), 'utf8'), 'f\n')
    must(`${container.name}:/dir-link/`, join(to, 'd'))
    assert.equal(readdirSync(join(to, 'd')).sort(), ['f', 'hard', 'l', 'sub'])
    must(`${container.name}:/dir-link/sub/g`, join(to, 'g'))
    must('-L', `${container.name}:/dir-link`, to)
    assert.ok(lstatSync(join(to, 'dir-link')).isDirectory())
  })

  both('files into it', (container) => {
    const from = writeFiles(newDir('in'), { 'a': 'a', 'x/y/z': 'z' })
    chownSync(join(from, 'a'), 1234, 1234)
    chmodSync(join(from, 'a'), 0o640)
    symlinkSync('a', join(from, 'link'))
    must(join(from, 'a'), `${container.name}:/new`)
    must(join(from, 'a'), `${container.name}:/empty`)
    must(join(from, 'a'), `${container.name}:/d/sub/g`)
    must(join(from, 'a'), `${container.name}:/file-link`)
    must(join(from, 'a'), `${container.name}:dir-link/in-d`)
    for (const path of ['/new', '/empty/a', '/d/sub/g', '/d/f', '/d/in-d']) assert.is(read(container, path), 'a', path)
    must(join(from, 'x'), `${container.name}:/made`)
    must(join(from, 'x'), `${container.name}:/empty`)
    must(`${from}/x/.`, `${container.name}:/dir-link`)
    for (const path of ['/made/y/z', '/empty/x/y/z', '/d/y/z']) assert.is(read(container, path), 'z', path)
    must(join(from, 'link'), `${container.name}:/l1`)
    must('-L', join(from, 'link'), `${container.name}:/l2`)
    must('-a', join(from, 'a'), `${container.name}:/kept`)
    const tar = newDir('tar')
    for (const name of ['l1', 'l2', 'kept', 'new']) must('-a', `${container.name}:/${name}`, tar)
    assert.is(readlinkSync(join(tar, 'l1')), 'a')
    assert.equal(
      ['l2', 'kept', 'new'].map((name) => `${statSync(join(tar, name)).uid} ${statSync(join(tar, name)).mode & 0o777}`),
      ['0 416', '1234 416', '0 416'],
    )
    fails('no such directory', join(from, 'a'), `${container.name}:/none/`)
    fails('Could not find the file /none/x', join(from, 'a'), `${container.name}:/none/x`)
    fails('cannot copy directory', join(from, 'x'), `${container.name}:/etc/passwd`)
    fails('no such file or directory', join(from, 'none'), `${container.name}:/`)
  })

  both('streams', (container) => {
    const { stdout } = dock.must('cp', `${container.name}:/d`, '-')
    const tar = newDir('tar')
    spawnSync('tar', ['x', '-C', tar], { input: Buffer.from(stdout, 'latin1') })
    assert.equal(readdirSync(join(tar, 'd')).sort(), ['f', 'hard', 'l', 'sub'])
    const packed = spawnSync('tar', ['cz', '-C', tar, 'd']).stdout
    const { status, stderr } = dock.runWith({ input: packed }, 'cp', '-', `${container.name}:/empty`)
    assert.is(stderr, '')
    assert.is(status, 0)
    assert.is(read(container, '/empty/d/sub/g'), 'g\n')
    const no = dock.runWith({ input: packed }, 'cp', '-', `${container.name}:/etc/passwd`)
    assert.match(no.stderr, /destination ".*:\/etc\/passwd" must be a directory/)
  })

  both(
    'volumes are seen',
    (container) => {
      const from = writeFiles(newDir('in'), { a: 'a' })
      must(join(from, 'a'), `${container.name}:/data/a`)
      must(join(from, 'a'), `${container.name}:/data/inner/a`)
      assert.is(readFileSync(join(dock.storage, 'volumes/cp-outer/_data/a'), 'utf8'), 'a')
      assert.equal(readdirSync(join(dock.storage, 'volumes/cp-inner/_data')), ['a'])
      assert.is(read(container, '/data/inner/a'), 'a')
      fails('mounted volume is marked read-only', join(from, 'a'), `${container.name}:/ro/a`)
    },
    {
      requests: ['cp-inner:/data/inner', 'cp-outer:/data', 'cp-ro:/ro:ro'].map((text) => parseVolumeFlag(text, '/')),
    },
  )

  test('a root that is read-only stays so', async () => {
    const requests = [parseVolumeFlag('cp-rw:/rw', '/')]
    const container = await HandContainer.create(dock, { image: 'localhost/cp', readonlyRootfs: true, requests })
    fails('container rootfs is marked read-only', '/etc/hostname', `${container.name}:/x`)
    must('/etc/hostname', `${container.name}:/rw/x`)
  })

  test('wrong calls', () => {
    fails('must specify at least one container source', '/a', '/b')
    fails('copying between containers is not supported', 'a:/a', 'b:/b')
    fails('source can not be empty', '', 'b:/b')
  })

  both('links lead nowhere but inside', (container) => {
    const from = writeFiles(newDir('in'), { canary: 'in the container' })
    must(join(from, 'canary'), `${container.name}:/up/canary-of-cp`)
    assert.is(existsSync('/etc/canary-of-cp'), false)
    assert.is(read(container, '/etc/canary-of-cp'), 'in the container')
    must(join(from, 'canary'), `${container.name}:/var/run`)
    assert.is(existsSync('/run/canary'), false)
    assert.is(read(container, '/../../../var/run/canary'), 'in the container')
  })

  test('a link that a copy left on the host is replaced by the next one, and never written through', async () => {
    const victim = newDir('victim')
    writeFileSync(join(victim, 'file'), 'of the host')
    const script = ['file', 'none'].map((name) => `ln -s ${victim}/${name} /leak-${name}`).join(' && ')
    dock.must('build', '-q', '-t', 'localhost/leak', newContext({ Dockerfile: `FROM localhost/cp\nRUN ${script}\n` }))
    const container = await HandContainer.create(dock, { image: 'localhost/leak' })
    const untouched = (): void => {
      assert.equal(readdirSync(victim), ['file'])
      assert.ok(lstatSync(join(victim, 'file')).isFile())
      assert.is(readFileSync(join(victim, 'file'), 'utf8'), 'of the host')
    }
    for (const name of ['leak-file', 'leak-none']) {
      const to = newDir('out')
      for (const place of [join(to, 'out'), to, `${to}/`, join(to, name)]) {
        // The first one plants the link; the others must not follow it.
        for (const source of [name, name, 'd/f', name, 'd/f']) {
          must(`${container.name}:/${source}`, place)
          untouched()
        }
      }
      assert.is(readFileSync(join(to, 'out'), 'utf8'), 'f\n')
      must(`${container.name}:/${name}`, join(to, 'link'))
      fails('cannot copy directory', `${container.name}:/d`, join(to, 'link'))
      fails('not a directory', `${container.name}:/d/f`, `${join(to, 'link')}/`)
      untouched()
    }
    // What leads to a directory is one, as for cp(1).
    const to = newDir('out')
    mkdirSync(join(to, 'real'))
    symlinkSync('real', join(to, 'link'))
    must(`${container.name}:/d/f`, join(to, 'link'))
    assert.equal(readdirSync(join(to, 'real')), ['f'])
  })

  test('CVE-2018-15664: a container that exchanges directories and links meanwhile', async () => {
    const swap = newDir('swap')
    copyFileSync(programPath('swap-paths'), join(swap, 'swap'))
    chmodSync(join(swap, 'swap'), 0o755)
    const host = newDir('canary')
    writeFileSync(join(host, 'secret'), 'of the host')
    const requests = [parseVolumeFlag(`${swap}:/swap`, '/')]
    const container = await HandContainer.create(dock, { image: 'localhost/cp', requests })
    await container.start()
    try {
      const script = `mkdir -p /race/dir && echo inside > /race/dir/secret && ln -s ${host} /race/link`
      assert.is(container.exec('/bin/sh', '-c', script).status, 0)
      const swapping = spawn(
        join(import.meta.dirname, '../../dist/bin/tsrun'),
        ['--root', container.stateRoot, 'exec', container.record.id, '/swap/swap', '/race/dir', '/race/link', '6'],
        { stdio: 'ignore' },
      )
      const ended = once(swapping, 'close')
      const from = writeFiles(newDir('in'), { planted: 'x' })
      const until = Date.now() + 5000
      let copied = 0
      while (Date.now() < until) {
        if (cp(join(from, 'planted'), `${container.name}:/race/dir/planted`).status === 0) copied++
        const out = newDir('out')
        if (cp(`${container.name}:/race/dir/secret`, out).status === 0) {
          copied++
          assert.is(readFileSync(join(out, 'secret'), 'utf8'), 'inside\n')
        }
        cp(`${container.name}:/race/dir/.`, newDir('out'))
        assert.equal(readdirSync(host), ['secret'])
      }
      await ended
      assert.ok(copied > 5, `${copied} copies`)
    } finally {
      await container.stop()
    }
  })

  test('CVE-2019-14271, CVE-2026-41567: no program and no library of the container is used', async () => {
    const container = await HandContainer.create(dock, { image: 'localhost/cp' })
    const evil = '#!/bin/sh\ntouch /tmp/evil-of-cp\n'
    const from = writeFiles(newDir('in'), {
      'lib/libnss_files.so.2': evil,
      'bin/xz': evil,
      'bin/unpigz': evil,
      'bin/gzip': evil,
    })
    for (const name of ['xz', 'unpigz', 'gzip']) chmodSync(join(from, 'bin', name), 0o755)
    must(`${from}/.`, `${container.name}:/`)
    const { stdout } = dock.must('cp', `${container.name}:/d`, '-')
    const packed = spawnSync('gzip', ['-c'], { input: Buffer.from(stdout, 'latin1') }).stdout
    assert.is(dock.runWith({ input: packed }, 'cp', '-', `${container.name}:/`).status, 0)
    assert.is(existsSync('/tmp/evil-of-cp'), false)
  })

  test('an archive whose names and links lead outside', async () => {
    const container = await HandContainer.create(dock, { image: 'localhost/cp' })
    const dir = newDir('tar')
    symlinkSync('/etc', join(dir, 'a'))
    const first = spawnSync('tar', ['c', '-C', dir, 'a']).stdout.subarray(0, 512)
    const inner = writeFiles(newDir('tar'), { 'a/canary-of-cp': 'x' })
    const second = spawnSync('tar', ['c', '-C', inner, 'a/canary-of-cp']).stdout
    assert.is(dock.runWith({ input: Buffer.concat([first, second]) }, 'cp', '-', `${container.name}:/empty`).status, 0)
    assert.is(existsSync('/etc/canary-of-cp'), false)
    assert.is(read(container, '/etc/canary-of-cp'), 'x')
    const climbing = spawnSync('tar', ['c', '-P', '-C', join(inner, 'a'), '../a/canary-of-cp']).stdout
    assert.match(dock.runWith({ input: climbing }, 'cp', '-', `${container.name}:/`).stderr, /has "\.\." in its path/)
  })

  test('another process with the same id is not taken for the container', async () => {
    const container = await HandContainer.create(dock, { image: 'localhost/cp' })
    await container.start()
    const state = join(dock.storage, 'containers', container.record.id, 'state.json')
    const record = JSON.parse(readFileSync(state, 'utf8')) as { pid: number; pidStart: number }
    const files = join(import.meta.dirname, '../../dist/bin/tsdock-files')
    const look = (pid: number, start: number): string =>
      spawnSync(files, ['read', `--process=${pid}:${start}`, '--', '-', 'etc/passwd']).stderr.toString()
    assert.is(look(record.pid, record.pidStart), '')
    assert.match(look(record.pid, record.pidStart + 1), /is another one by now/)
    assert.match(look(process.pid, record.pidStart), /is another one by now/)
    await container.stop()
    assert.match(look(record.pid, record.pidStart), /ENOENT|ESRCH/)
  })
}

test.run()
