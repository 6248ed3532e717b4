// SPDX-License-Identifier: Apache-2.0
// Volumes: what is in them, who has them, and what containers see of them.

import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseMountFlag } from '../../bundles/volumes/mount-flag.ts'
import type { MountRequest } from '../../bundles/volumes/mount-request.ts'
import { releaseVolumes } from '../../bundles/volumes/resolve.ts'
import { parseTmpfsFlag } from '../../bundles/volumes/tmpfs-options.ts'
import { parseVolumeFlag } from '../../bundles/volumes/volume-flag.ts'
import { HandContainer, type HandOptions, withStorage } from '../helpers/hand-container.ts'
import { buildBase, Dock, newContext, nothingLeft } from '../helpers/tsdock.ts'
import { newDir } from '../helpers/work-dir.ts'

const dock = new Dock()

const volume = (text: string): MountRequest => parseVolumeFlag(text, '/')
const mount = (text: string): MountRequest => parseMountFlag(text, '/')
const dataOf = (name: string): string => join(dock.storage, 'volumes', name, '_data')

const image = `FROM localhost/base
RUN mkdir -p /data/sub && echo a > /data/a && ln /data/a /data/b && ln -s a /data/l && mkfifo /data/p
RUN echo s > /data/sub/s && chown 1000:50 /data && chmod 2750 /data && chmod 4755 /data/sub/s && ln -s /data /link
`

async function failure(job: Promise<unknown>): Promise<string> {
  try {
    await job
  } catch (e: unknown) {
    return e instanceof Error ? e.message : String(e)
  }
  return assert.unreachable('no error') as never
}

async function running(options: HandOptions, use: (container: HandContainer) => Promise<void> | void): Promise<void> {
  const container = await HandContainer.create(dock, options)
  try {
    await container.start()
    await use(container)
  } finally {
    await container.stop()
  }
}

const shell = (container: HandContainer, script: string): string => {
  const { status, stdout, stderr } = container.exec('/bin/sh', '-c', script)
  if (status !== 0) throw new Error(`${script}: status ${status}: ${stderr}`)
  return stdout
}

if (process.getuid?.() !== 0) {
  process.stdout.write('SKIP volumes: needs root\n')
} else {
  test.before(() => {
    buildBase(dock)
    dock.must('build', '-q', '-t', 'localhost/data', newContext({ Dockerfile: image }))
    dock.must(
      'build',
      '-q',
      '-t',
      'localhost/volume',
      newContext({ Dockerfile: `${image}VOLUME /data /../../climbs\n` }),
    )
  })
  test.after(() => nothingLeft(dock))

  test('an empty volume gets what the image has there', async () => {
    await HandContainer.create(dock, { image: 'localhost/data', requests: [volume('filled:/link')] })
    const data = dataOf('filled')
    assert.equal(readdirSync(data).sort(), ['a', 'b', 'l', 'p', 'sub'])
    const top = statSync(data)
    assert.equal([top.uid, top.gid, top.mode & 0o7777], [1000, 50, 0o2750])
    assert.is(statSync(join(data, 'a')).ino, statSync(join(data, 'b')).ino)
    assert.ok(lstatSync(join(data, 'l')).isSymbolicLink())
    assert.ok(statSync(join(data, 'p')).isFIFO())
    assert.is(statSync(join(data, 'sub/s')).mode & 0o7777, 0o4755)
  })

  test('a volume that holds something stays as it is, and so does one with nocopy', async () => {
    dock.must('volume', 'create', 'mine')
    writeFileSync(join(dataOf('mine'), 'x'), '')
    const requests = [
      volume('mine:/data'),
      volume('bare:/data/sub:nocopy'),
      mount('type=volume,src=bare2,dst=/link,volume-nocopy'),
    ]
    await HandContainer.create(dock, { image: 'localhost/data', requests })
    assert.equal(
      ['mine', 'bare', 'bare2'].map((name) => readdirSync(dataOf(name)).length),
      [1, 0, 0],
    )
  })

  test('a copy that was cut off is taken up again', async () => {
    dock.must('volume', 'create', 'cut')
    writeFileSync(join(dataOf('cut'), 'a'), 'half')
    writeFileSync(join(dataOf('cut'), '../filling'), '')
    await HandContainer.create(dock, { image: 'localhost/data', requests: [volume('cut:/data')] })
    assert.is(readFileSync(join(dataOf('cut'), 'a'), 'utf8'), 'a\n')
    assert.is(existsSync(join(dataOf('cut'), '../filling')), false)
  })

  test('VOLUME makes volumes without a name, inside of the container alone', async () => {
    const { record } = await HandContainer.create(dock, { image: 'localhost/volume' })
    assert.equal(record.mounts.map(({ Destination }) => Destination).sort(), ['/climbs', '/data'])
    for (const { Name = '', Anonymous, Driver, Type } of record.mounts) {
      assert.match(Name, /^[0-9a-f]{64}$/)
      assert.equal([Anonymous, Driver, Type], [true, 'local', 'volume'])
    }
    assert.is(existsSync('/climbs'), false)
    await withStorage(dock, (storage) => releaseVolumes(storage, record, { anonymous: true }))
    assert.ok(
      record.mounts.every(({ Source }) => existsSync(Source)),
      'a record still has them',
    )
  })

  test('a mount of the user replaces VOLUME', async () => {
    const requests = [volume('other:/data'), volume('/data'), volume('/climbs')]
    const { record } = await HandContainer.create(dock, { image: 'localhost/volume', requests })
    assert.equal(record.mounts.map(({ Name, Destination }) => `${Destination} ${Name?.length}`).sort(), [
      '/climbs 64',
      '/data 5',
    ])
  })

  test('what is written goes to the volume, and not to the container', async () => {
    const requests = [volume('deep:/data/sub'), volume('top:/data'), volume('new:/new/place')]
    const container = await HandContainer.create(dock, { image: 'localhost/data', requests })
    try {
      await container.start()
      shell(container, 'echo x > /data/x && echo y > /data/sub/y && echo z > /new/place/z')
    } finally {
      await container.stop()
    }
    assert.ok(existsSync(join(dataOf('top'), 'x')))
    assert.ok(existsSync(join(dataOf('deep'), 'y')))
    assert.equal(readdirSync(dataOf('new')), ['z'])
    const upper = join(dock.storage, 'containers', container.record.id, 'diff')
    const found = spawnSync('find', [upper, '-type', 'f']).stdout.toString()
    assert.is(found, '')
    assert.is(dock.must('diff', container.name).stdout, '')
    dock.must('commit', container.name, 'localhost/no-data')
    const listed = dock.runImage(
      'localhost/no-data',
      '/bin/sh',
      '-c',
      'find / -xdev -name y -o -name z -o -path /data/x',
    )
    assert.is(listed, '')
    const inside = dock.must('export', container.name).stdout
    assert.not.match(inside, /(data\/x|sub\/y|place\/z)\0/)
  })

  test('binds: read-only with all below, parts, propagation', async () => {
    const host = newDir('host')
    mkdirSync(join(host, 'below'))
    spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', join(host, 'below')])
    try {
      const requests = [
        volume(`${host}:/all`),
        volume(`${host}:/ro:ro`),
        mount(`type=bind,src=${host},dst=/alone,bind-nonrecursive`),
        mount(`type=bind,src=${host},dst=/half,ro,bind-recursive=writable`),
      ]
      await running({ requests }, (container) => {
        shell(container, 'touch /all/below/x /half/below/y')
        assert.equal(readdirSync(join(host, 'below')).sort(), ['x', 'y'])
        for (const path of ['/ro/a', '/ro/below/a', '/half/a'])
          assert.is.not(container.exec('/bin/touch', path).status, 0, path)
        assert.is(shell(container, 'ls /alone/below'), '')
      })
    } finally {
      spawnSync('umount', [join(host, 'below')])
    }
  })

  test('-v makes a missing host directory, and --mount does not', async () => {
    const host = newDir('host')
    await HandContainer.create(dock, { requests: [volume(`${host}/a/b:/x`)] })
    assert.ok(statSync(join(host, 'a/b')).isDirectory())
    const said = await failure(HandContainer.create(dock, { requests: [mount(`type=bind,src=${host}/c,dst=/x`)] }))
    assert.is(said, `invalid mount config for type "bind": bind source path does not exist: ${host}/c`)
  })

  test('what was made for a container that cannot be goes', async () => {
    const before = readdirSync(join(dock.storage, 'volumes')).sort()
    const requests = [volume('/anonymous'), mount('type=bind,src=/missing-on-host,dst=/x')]
    await failure(HandContainer.create(dock, { requests }))
    assert.equal(readdirSync(join(dock.storage, 'volumes')).sort(), before)
    const said = await failure(HandContainer.create(dock, { requests: [volume('v/w:/x')] }))
    assert.match(said, /"v\/w" includes invalid characters for a local volume name/)
    const file = await failure(HandContainer.create(dock, { requests: [volume('over:/etc/passwd')] }))
    assert.is(file, 'cannot mount volume over existing file, file exists /etc/passwd')
  })

  test('a tmpfs', async () => {
    const requests = [parseTmpfsFlag('/t:size=64k,mode=700'), mount('type=tmpfs,dst=/u,tmpfs-size=1m,tmpfs-mode=0711')]
    await running({ requests }, (container) => {
      const seen = shell(container, "grep -E ' /(t|u) ' /proc/mounts; stat -c %a /t /u")
      assert.match(seen, /tmpfs \/t tmpfs rw,nosuid,nodev,noexec,relatime,size=64k,mode=700/)
      assert.match(seen, /tmpfs \/u tmpfs .*size=1024k,mode=711/)
      assert.match(seen, /700\n711\n$/)
    })
  })

  test('--volumes-from', async () => {
    const host = newDir('host')
    const first = await HandContainer.create(dock, {
      requests: [volume('shared:/s'), volume(`${host}:/h`), volume('/anon')],
    })
    const from = (readonly: boolean) => [{ container: first.name, readonly }]
    const { record } = await HandContainer.create(dock, { volumesFrom: from(true) })
    assert.equal(
      record.mounts.map(({ Destination, RW, Source }) => [Destination, RW, Source]),
      first.record.mounts.map(({ Destination, Source }) => [Destination, false, Source]),
    )
    const mine = await HandContainer.create(dock, { volumesFrom: from(false), requests: [volume('shared2:/s')] })
    assert.is(mine.record.mounts.find(({ Destination }) => Destination === '/s')?.Name, 'shared2')
    const unknown = [{ container: 'nobody', readonly: false }]
    assert.is(await failure(HandContainer.create(dock, { volumesFrom: unknown })), 'No such container: nobody')
    const { status, stderr } = dock.run('volume', 'rm', 'shared')
    assert.is(status, 1)
    const users = [first.record.id, record.id, mine.record.id]
    assert.match(stderr, /remove shared: volume is in use - \[/)
    for (const id of [users[0], users[1]]) assert.match(stderr, id ?? '')
  })

  test('a part of a volume, out of which no link leads', async () => {
    dock.must('volume', 'create', 'parts')
    mkdirSync(join(dataOf('parts'), 'a/b'), { recursive: true })
    writeFileSync(join(dataOf('parts'), 'a/b/f'), 'part')
    symlinkSync('/etc', join(dataOf('parts'), 'evil'))
    await running({ requests: [mount('type=volume,src=parts,dst=/p,volume-subpath=a/b')] }, (container) => {
      assert.is(shell(container, 'cat /p/f'), 'part')
      const copied = newDir('out')
      dock.must('cp', `${container.name}:/p/f`, copied)
      assert.is(readFileSync(join(copied, 'f'), 'utf8'), 'part')
    })
    for (const subpath of ['evil', 'missing']) {
      const request = mount(`type=volume,src=parts,dst=/p,volume-subpath=${subpath}`)
      const container = await HandContainer.create(dock, { requests: [request] })
      assert.match(await failure(container.start()), new RegExp(`cannot access path ${subpath} of the volume parts`))
      await container.stop()
    }
  })

  test('a volume with options is mounted while somebody uses it', async () => {
    dock.must('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,mode=0750', 'fast')
    const isMounted = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(dataOf('fast'))
    const options = { image: 'localhost/data', requests: [volume('fast:/data')] }
    const [one, two] = [await HandContainer.create(dock, options), await HandContainer.create(dock, options)]
    assert.is(isMounted(), false)
    try {
      await one.start()
      assert.is(shell(one, 'cat /data/sub/s; echo shared > /data/x'), 's\n')
      await two.start()
      assert.is(shell(two, 'cat /data/x; grep " /data " /proc/mounts | grep -o size=1024k'), 'shared\nsize=1024k\n')
      await one.stop()
      assert.ok(isMounted())
    } finally {
      await one.stop()
      await two.stop()
    }
    assert.is(isMounted(), false)
    assert.equal(readdirSync(dataOf('fast')), [])
    dock.must('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', 'device=/missing', 'gone')
    const broken = await HandContainer.create(dock, { requests: [volume('gone:/g')] })
    assert.match(await failure(broken.start()), /error while mounting volume '.*gone\/_data': .*missing/)
    await broken.stop()
  })
}

test.run()
