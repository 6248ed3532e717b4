// SPDX-License-Identifier: Apache-2.0
//
// Layers and archives that try to get out of the directory that they are unpacked to, to use it up, or to be taken for
// something else. Each advisory of docker, containerd, buildah and node-tar that concerns this is a case.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createGzip, gzipSync } from 'node:zlib'
import * as assert from 'uvu/assert'
import { findProgram, read, remove } from '../../bundles/host/files.ts'
import { ImageStore, parseImageConfig, parseIndex, parseManifest } from '../../bundles/images/store.ts'
import { applyLayer } from '../../bundles/layers/apply.ts'
import { LayerStore } from '../../bundles/layers/unpacked.ts'
import { hostSuite } from '../helpers/suite.ts'
import { archive, paxHeader, type RawHeader, rawEntry } from '../helpers/tar.ts'
import { listTree } from '../helpers/tree.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('archives')

/** What must not change, with a name that links can lead to. */
function makeCanary(): { readonly path: string; check(): void } {
  const path = newDir('canary')
  writeFileSync(join(path, 'passwd'), 'root:x:0:0\n', { mode: 0o640 })
  mkdirSync(join(path, 'dir'), { mode: 0o700 })
  const host = (): string =>
    createHash('sha256').update(readFileSync('/etc/passwd')).update(readdirSync('/').join()).digest('hex')
  const before = [...listTree(path, { xattrs: true }), host()]
  return { path, check: () => assert.equal([...listTree(path, { xattrs: true }), host()], before) }
}

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536)
}

/** Unpacks a layer. Returns where, and what was said. */
async function unpack(
  ...parts: readonly (Buffer | RawHeader)[]
): Promise<{ readonly directory: string; readonly said: string }> {
  const directory = newDir('layer')
  const bytes = archive(...parts.map((part) => (Buffer.isBuffer(part) ? part : rawEntry(part))))
  const said = await applyLayer(directory, chunks(bytes)).then(
    () => 'unpacked',
    (e: Error) => e.message,
  )
  return { directory, said }
}

/** Tries an archive: nothing outside changes, and what is said fits. */
function archiveTest(
  title: string,
  expected: RegExp,
  parts: (canary: string) => readonly (Buffer | RawHeader)[],
  more?: (directory: string) => void,
): void {
  test(title, async () => {
    const canary = makeCanary()
    const { directory, said } = await unpack(...parts(canary.path))
    assert.match(said, expected)
    canary.check()
    more?.(directory)
    await remove(directory)
    canary.check()
  })
}

const linkTo = (name: string, link: string): RawHeader => ({ name, type: '2', link })
const hardLinkTo = (name: string, link: string): RawHeader => ({ name, type: '1', link })

archiveTest('CVE-2014-9356: an entry through an absolute symlink stays inside', /openat2 "out"|unpacked/, (canary) => [
  linkTo('out', canary),
  { name: 'out/passwd', data: 'evil' },
])
archiveTest(
  'CVE-2014-9356: an entry through a symlink that climbs stays inside',
  /unpacked/,
  () => [linkTo('up', '../../../../../..'), { name: 'up/evil', data: 'x' }],
  (directory) => assert.ok(existsSync(join(directory, 'evil'))),
)
archiveTest(
  'CVE-2014-6407: a symlink, then a file of the same name, replaces the link',
  /unpacked/,
  (canary) => [linkTo('f', `${canary}/passwd`), { name: 'f', data: 'x' }],
  (directory) => assert.is(readFileSync(join(directory, 'f'), 'utf8'), 'x'),
)
archiveTest('CVE-2014-6407: a hard link to a host file by ".."', /has "\.\." in its path/, () => [
  hardLinkTo('a', '../../etc/passwd'),
])
archiveTest(
  'CVE-2014-6407: a hard link to an absolute path means one inside',
  /hard link "a": openat2 "etc": .*ENOENT/,
  () => [hardLinkTo('a', '/etc/passwd')],
)
archiveTest('CVE-2026-17106: a hard link through a symlink out', /hard link "a": openat2|linkat/, (canary) => [
  linkTo('out', canary),
  hardLinkTo('a', 'out/passwd'),
])
archiveTest('CVE-2026-17106: a hard link to a symlink out, then written', /unpacked/, (canary) => [
  linkTo('s', `${canary}/passwd`),
  hardLinkTo('h', 's'),
  { name: 'h', data: 'evil' },
])
archiveTest('CVE-2026-23745: a hard link to a symlink, and an entry below it', /ENOTDIR|ENOENT/, (canary) => [
  linkTo('s', canary),
  hardLinkTo('h', 's'),
  { name: 'h/passwd', data: 'evil' },
])
archiveTest('CVE-2026-24842: names with ".." in every place', /has "\.\." in its path/, () => [
  { name: 'a/../../etc/x', data: 'x' },
])
archiveTest('CVE-2018-15664: ".." in a long name of GNU', /has "\.\." in its path/, () => [
  rawEntry({ type: 'L', data: `${'a/'.repeat(100)}${'../'.repeat(110)}etc/x\0` }),
  { name: 'x' },
])
archiveTest('CVE-2018-15664: ".." in a name of pax', /has "\.\." in its path/, () => [
  paxHeader({ path: '../x' }),
  { name: 'x' },
])
archiveTest('CVE-2026-33747: absolute names are names inside', /unpacked/, (canary) => [
  { name: `${canary}/passwd`, data: 'evil' },
])
archiveTest('CVE-2026-33747: a sparse file cannot take another name', /has "\.\." in its path/, () => [
  paxHeader({ 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '1', 'GNU.sparse.name': '../../x' }),
  { name: 'x', data: 'a' },
])
archiveTest(
  'CVE-2026-44517: a Dockerfile that is a link to a host file is neither read nor written through',
  /unpacked/,
  (canary) => [linkTo('Dockerfile', `${canary}/passwd`), { name: 'Dockerfile', data: 'FROM scratch' }],
  (directory) => assert.is(readFileSync(join(directory, 'Dockerfile'), 'utf8'), 'FROM scratch'),
)
archiveTest('whiteouts cannot hide what lies outside', /unpacked|openat2/, (canary) => [
  linkTo('out', canary),
  { name: 'out/.wh.passwd' },
])
archiveTest('whiteouts of ".." and "." are refused', /the whiteout/, () => [{ name: '.wh...' }])
archiveTest('opaque marks through links stay inside', /unpacked|openat2/, (canary) => [
  linkTo('out', `${canary}/dir`),
  { name: 'out/.wh..wh..opq' },
])
archiveTest(
  'directories through links: CVE-2021-32760, modes of the host are not changed',
  /unpacked|openat2/,
  (canary) => [
    linkTo('out', canary),
    { name: 'out/', type: '5', mode: '0000777' },
    { name: 'out/dir/', type: '5', mode: '0000777' },
  ],
)
archiveTest('the top as a symlink, or a file', /the top of the tree/, () => [{ name: './', type: '2', link: '/' }])
archiveTest('a device that is a whiteout for overlay', /device number 0:0/, () => [
  { name: 'x', type: '3', major: '0000000', minor: '0000000' },
])
archiveTest('a directory, replaced by a link, with a later time for the directory', /unpacked/, (canary) => [
  { name: 'd/', type: '5', mtime: '00000000001' },
  linkTo('d', `${canary}/dir`),
])
archiveTest(
  'attributes that overlay obeys',
  /unpacked/,
  () => [
    paxHeader({
      'SCHILY.xattr.trusted.overlay.redirect': '/../../etc',
      'SCHILY.xattr.trusted.overlay.metacopy': '',
      'SCHILY.xattr.user.overlay.opaque': 'y',
    }),
    { name: 'd/', type: '5' },
  ],
  (directory) => assert.is(listTree(directory, { xattrs: true }).length, 2),
)
archiveTest('CVE-2024-40635: an id that would be cut to that of root', /the uid 4294967296 is out of range/, () => [
  paxHeader({ uid: '4294967296' }),
  { name: 'x' },
])
archiveTest('an id that means "nobody says"', /the gid 4294967295 is out of range/, () => [
  paxHeader({ gid: '4294967295' }),
  { name: 'x' },
])
archiveTest('a name with a NUL', /NUL/, () => [paxHeader({ path: 'a\0/../../x' }), { name: 'x' }])

test('CVE-2014-9357, CVE-2026-41567: no program of the image or of $PATH decompresses anything', async () => {
  const trojans = newDir('bin')
  const proof = join(trojans, 'ran')
  for (const name of ['xz', 'unxz', 'gzip', 'gunzip', 'unpigz', 'pigz', 'zstd', 'bzip2', 'lzma', 'tar'])
    writeFileSync(join(trojans, name), `#!/bin/sh\ntouch ${proof}\ncat\n`, { mode: 0o755 })
  const before = process.env['PATH']
  process.env['PATH'] = `${trojans}${delimiter}${before}`
  try {
    const tar = archive(rawEntry({ name: 'a', data: 'x' }))
    const directory = newDir('layer')
    await applyLayer(directory, chunks(gzipSync(tar)))
    assert.equal(readdirSync(directory), ['a'])
    for (const [name, magic] of Object.entries({ xz: 'fd377a585a00', bzip2: '425a6839314159' })) {
      const said = await applyLayer(newDir('layer'), chunks(Buffer.concat([Buffer.from(magic, 'hex'), tar]))).then(
        String,
        (e: Error) => e.message,
      )
      assert.match(said, `it is compressed with ${name}; layers are tar, tar+gzip or tar+zstd`)
    }
    assert.not.ok(existsSync(proof))
  } finally {
    process.env['PATH'] = before
  }
})

test('CVE-2019-14271: the program that works on trees loads nothing of them', () => {
  const program = readFileSync(findProgram('tsdock-files'))
  const [offset, size, count] = [
    Number(program.readBigUInt64LE(32)),
    program.readUInt16LE(54),
    program.readUInt16LE(56),
  ]
  const types = Array.from({ length: count }, (_, i) => program.readUInt32LE(offset + i * size))
  assert.ok(types.includes(1))
  assert.not.ok(types.includes(3), 'it has an interpreter: it is not static')
})

test(
  'bombs: a gigabyte of zeros, entries without end, and sparse files of petabytes',
  async () => {
    const limits = { bytes: 64 << 20, entries: 1000 }
    const outcome = async (blob: AsyncIterable<Uint8Array>): Promise<string> => {
      const directory = newDir('layer')
      const said = await applyLayer(directory, blob, { limits }).then(
        () => 'unpacked',
        (e: Error) => e.message,
      )
      const used = Number(spawnSync('du', ['-sk', directory], { encoding: 'utf8' }).stdout.split('\t')[0])
      assert.ok(used < 70_000, `${used} KiB`)
      return said
    }
    async function* zipped(...parts: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
      const gzip = createGzip({ level: 9 })
      void (async () => {
        for (const part of parts) gzip.write(part)
        for (let i = 0; i < 1024; i++)
          if (!gzip.write(Buffer.alloc(1 << 20))) await new Promise((resolve) => gzip.once('drain', resolve))
        gzip.end()
      })()
      for await (const chunk of gzip) yield chunk as Buffer
    }
    assert.match(await outcome(zipped(rawEntry({ name: 'zeros', size: '10000000000' }))), /more than 67108864 bytes/)
    assert.match(
      await outcome(chunks(archive(...Array.from({ length: 1001 }, (_, i) => rawEntry({ name: `f${i}` }))))),
      /more than 1000 entries/,
    )
    const sparse = [
      paxHeader({ 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '4503599627370496' }),
      rawEntry({ name: 'x', data: 'a' }),
    ]
    assert.match(await outcome(chunks(archive(...sparse))), /more than 67108864 bytes/)
    const headers = Array.from({ length: 200 }, () => paxHeader({ comment: 'x'.repeat(1 << 19) }, 'g'))
    assert.match(await outcome(chunks(archive(...headers))), /bytes of headers and contents/)
  },
  { timeoutMs: 120_000 },
)

test('CVE-2021-41091, CVE-2021-41103: nobody else gets at the set-user-id programs of layers', async () => {
  const [layers, images] = [join(newDir('storage'), 'layers'), join(newDir('storage'), 'images')]
  const tar = archive(rawEntry({ name: 'su', mode: '0004755', data: 'x' }))
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`
  const before = process.umask(0)
  try {
    await new LayerStore(layers).ensure([{ diffId, open: () => chunks(tar) }])
    await ImageStore.open(images)
  } finally {
    process.umask(before)
  }
  for (const path of [layers, join(images, 'blobs/sha256'), join(images, 'ingest')])
    assert.is(statSync(path).mode & 0o777, 0o700, path)
  assert.is(statSync(join(layers, diffId.slice(7), 'diff/su')).mode & 0o7777, 0o4755)
})

test('a layer that is not what its image says leaves nothing', async () => {
  const store = new LayerStore(newDir('layers'))
  const tar = archive(rawEntry({ name: 'a', data: 'x' }))
  const wrong = `sha256:${'0'.repeat(64)}`
  const said = (diffId: string, bytes: Buffer): Promise<string> =>
    store.ensure([{ diffId, open: () => chunks(bytes) }]).then(
      () => 'unpacked',
      (e: Error) => e.message,
    )
  assert.match(await said(wrong, tar), /a layer has the digest sha256:\w+ where the image says sha256:0/)
  assert.match(await said(wrong, tar.subarray(0, 700)), /ends in the middle of an entry/)
  assert.match(await said(wrong, archive(rawEntry({ name: '../x' }))), /has "\.\."/)
  assert.equal(readdirSync(store.directory), [])
})

test('CVE-2024-3727: digests of images are no paths', async () => {
  const outside = newDir('outside')
  mkdirSync(join(outside, 'diff'))
  const store = new LayerStore(newDir('layers'))
  for (const digest of [`sha256:../../${outside}`, '../x', `sha512:${'0'.repeat(128)}`]) {
    const said = await store
      .ensure([{ diffId: digest, open: () => chunks(Buffer.alloc(0)) }])
      .then(String, (e: Error) => e.message)
    assert.match(said, /the digest "/, digest)
    const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } }
    if (!digest.startsWith('sha512'))
      assert.throws(() => parseImageConfig(Buffer.from(JSON.stringify(config)), 'it'), /diff_ids/)
    const descriptor = { mediaType: 'application/x', digest, size: 1 }
    const manifest = { schemaVersion: 2, config: descriptor, layers: [descriptor], annotations: { a: 'b' } }
    if (!digest.startsWith('sha512'))
      assert.throws(() => parseManifest(Buffer.from(JSON.stringify(manifest)), 'it'), /digest/)
  }
})

test('CVE-2021-41190: what is both a manifest and an index is neither', () => {
  const descriptor = { mediaType: 'application/x', digest: `sha256:${'0'.repeat(64)}`, size: 1 }
  const both = Buffer.from(JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [], manifests: [] }))
  assert.throws(() => parseManifest(both, 'it'), /can be read as both/)
  assert.throws(() => parseIndex(both, 'it'), /can be read as both/)
})

test('CVE-2024-9676: files of an image are read inside of it, and only regular ones', async () => {
  const canary = makeCanary()
  const directory = newDir('rootfs')
  mkdirSync(join(directory, 'etc'))
  symlinkSync(join(canary.path, 'passwd'), join(directory, 'etc/passwd'))
  symlinkSync('/dev/zero', join(directory, 'etc/group'))
  for (const path of ['etc/passwd', 'etc/group', '/etc/passwd', '../../../etc/group']) {
    const said = await read(directory, path).then(String, (e: Error) => e.message)
    assert.match(said, /ENOENT/, path)
  }
})

run()
