// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../../../bundles/error.ts'
import { ImageStore, parseImageConfig, parseIndex, parseManifest, sha256 } from '../../../../bundles/images/store.ts'
import { type Descriptor, mediaTypes } from '../../../../spec/image/documents.ts'
import { newDir, projectDir } from '../../../helpers/work-dir.ts'

const open = (): Promise<ImageStore> => ImageStore.open(newDir('store'))

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<Buffer, void, undefined> {
  for (const part of parts) yield Buffer.from(part)
}

async function fails(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const e = await promise.then(
    () => new Error('it worked'),
    (reason: unknown) => reason,
  )
  assert.instance(e, DockError, String(e))
  assert.match((e as Error).message, message)
}

const ingested = (store: ImageStore): readonly string[] => readdirSync(join(store.directory, 'ingest'))

const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }

async function putImage(store: ImageStore, extra: object = {}): Promise<Descriptor> {
  const configBlob = await store.putDocument(mediaTypes.config, { ...config, ...extra })
  return store.putDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configBlob,
    layers: [],
  })
}

test('a new store is an image layout that others can read, and private', async () => {
  const store = await open()
  assert.equal(JSON.parse(readFileSync(join(store.directory, 'oci-layout'), 'utf8')), { imageLayoutVersion: '1.0.0' })
  assert.equal(JSON.parse(readFileSync(join(store.directory, 'index.json'), 'utf8')).manifests, [])
  assert.is(lstatSync(join(store.directory, 'blobs/sha256')).mode & 0o777, 0o700)
  await store.tag('docker.io/library/a:1', await putImage(store), 5)
  assert.is((await (await ImageStore.open(store.directory)).list()).length, 1)
})

test('a stream becomes a blob under its digest', async () => {
  const store = await open()
  const blob = await store.ingest(chunks('hello ', 'world'))
  assert.equal(blob, { digest: sha256(Buffer.from('hello world')), size: 11 })
  assert.is(readFileSync(store.blobPath(blob.digest), 'utf8'), 'hello world')
  assert.is(lstatSync(store.blobPath(blob.digest)).mode & 0o777, 0o600)
  assert.equal(await store.blobs(), [blob.digest])
})

test('zeros are holes on disk, and zeros again when they are read', async () => {
  const store = await open()
  const parts = [Buffer.alloc(5 << 20), Buffer.from('x'), Buffer.alloc(5 << 20)]
  const { digest, size } = await store.ingest(chunks(...parts))
  assert.is(size, (10 << 20) + 1)
  assert.ok(readFileSync(store.blobPath(digest)).equals(Buffer.concat(parts)))
  assert.ok(lstatSync(store.blobPath(digest)).blocks < 1000)
})

test('nothing stays of a stream that does not fit, or that breaks', async () => {
  const store = await open()
  const digest = sha256(Buffer.from('hello'))
  await fails(
    store.ingest(chunks('hullo'), { digest }),
    /has the digest sha256:\w+ where sha256:2cf24dba\w+ was announced/,
  )
  await fails(store.ingest(chunks('hell'), { digest, size: 5 }), /has 4 bytes where 5 were announced/)
  await fails(store.ingest(chunks('hello', '!'), { digest, size: 5 }), /has more than 5 bytes where 5 were announced/)
  async function* broken(): AsyncGenerator<Buffer, void, undefined> {
    yield Buffer.from('hel')
    throw new DockError('the connection broke')
  }
  await fails(store.ingest(broken(), { digest, size: 5 }), /the connection broke/)
  async function* endless(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) yield Buffer.alloc(65536)
  }
  await fails(store.ingest(endless(), { digest, size: 5 }), /more than 5 bytes/)
  assert.equal(ingested(store), [])
  assert.equal(await store.blobs(), [])
})

test('digests are no paths (CVE-2024-3727), and of one algorithm', async () => {
  const store = await open()
  const hex = 'a'.repeat(64)
  for (const digest of [
    '',
    'sha256:',
    'sha256:../../x',
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha512:${hex}${hex}`,
    `md5:${hex}`,
    `${hex}`,
    `sha256:${hex}\n`,
  ])
    await fails(
      Promise.resolve().then(() => store.blobPath(digest)),
      /only sha256 is supported/,
    )
  await fails(store.readDocument({ mediaType: 'x/y', digest: 'sha256:../index.json', size: 1 }), /only sha256/)
})

test('a missing or damaged document is told', async () => {
  const store = await open()
  const image = await putImage(store)
  writeFileSync(store.blobPath(image.digest), readFileSync(store.blobPath(image.digest), 'utf8').replace('2', '3'))
  await fails(store.readDocument(image), /the blob sha256:\w+ is damaged/)
  await fails(store.readDocument({ ...image, digest: `sha256:${'0'.repeat(64)}` }), /missing from the store \(ENOENT\)/)
  await fails(store.readDocument({ ...image, size: 9 << 20 }), /too many/)
})

test('names move, and an image that loses its last one stays without', async () => {
  const store = await open()
  const [a, b] = [await putImage(store), await putImage(store, { author: 'b' })]
  const names = async (): Promise<readonly string[]> =>
    (await store.list()).map(
      ({ name, descriptor, added }) => `${name} ${descriptor.digest === a.digest ? 'a' : 'b'} ${added}`,
    )
  await store.tag('x', a, 1)
  await store.tag('y', a, 2)
  await store.tag('x', b, 3)
  assert.equal(await names(), ['y a 2', 'x b 3'])
  await store.tag('y', b, 4)
  assert.equal(await names(), ['undefined a 2', 'x b 3', 'y b 4'])
  await store.tag('z', a, 5)
  assert.equal(await names(), ['x b 3', 'y b 4', 'z a 5'])
  await store.tag(undefined, a, 6)
  assert.equal(await names(), ['x b 3', 'y b 4', 'z a 5'])
  await store.tag('x', b, 7)
  assert.equal(await names(), ['y b 4', 'z a 5', 'x b 7'])
})

test('an index that is damaged is told, not replaced', async () => {
  const store = await open()
  writeFileSync(join(store.directory, 'index.json'), '{"schemaVersion":2')
  await fails(store.tag('x', await putImage(store), 1), /index\.json is not JSON/)
  assert.is(readFileSync(join(store.directory, 'index.json'), 'utf8'), '{"schemaVersion":2')
})

test('processes that give names at the same time lose none', async () => {
  const store = await open()
  const image = await putImage(store)
  const script = `
    import { ImageStore } from ${JSON.stringify(join(projectDir, 'bundles/images/store.ts'))}
    const store = await ImageStore.open(process.argv[1])
    for (let i = 0; i < 5; i++) await store.tag(process.argv[2] + i, JSON.parse(process.argv[3]), i)`
  const ends = ['a', 'b', 'c', 'd'].map(async (name) => {
    const args = ['-e', script, store.directory, name, JSON.stringify(image)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    return once(child, 'exit')
  })
  for (const [code] of await Promise.all(ends)) assert.is(code, 0)
  const names = (await store.list()).map(({ name }) => name).toSorted()
  assert.equal(
    names,
    ['a', 'b', 'c', 'd'].flatMap((name) => [0, 1, 2, 3, 4].map((i) => `${name}${i}`)),
  )
  assert.equal(
    readdirSync(store.directory).filter((name) => name.startsWith('index.json.')),
    [],
  )
})

test('an image is opened through indexes, not without end', async () => {
  const store = await open()
  const image = await putImage(store)
  let top = image
  for (let depth = 0; depth < 6; depth++) {
    top = await store.putDocument(mediaTypes.index, { schemaVersion: 2, manifests: [top] })
    const opened = store.open(top, (index) => index.manifests[0] as Descriptor)
    if (depth < 4) assert.is((await opened).descriptor.digest, image.digest)
    else await fails(opened, /indexes of indexes without end/)
  }
})

const digest = `sha256:${'0'.repeat(64)}`
const descriptor = { mediaType: mediaTypes.config, digest, size: 1 }
const manifest = { schemaVersion: 2, config: descriptor, layers: [descriptor] }
const index = { schemaVersion: 2, manifests: [descriptor] }

test('a document that is a manifest and an index is neither (CVE-2021-41190)', () => {
  const parse = (document: object, as: typeof parseManifest | typeof parseIndex) => () =>
    as(Buffer.from(JSON.stringify(document)), 'it')
  assert.ok(parse(manifest, parseManifest)())
  assert.ok(parse(index, parseIndex)())
  assert.throws(parse({ ...manifest, manifests: [] }, parseManifest), /it has "manifests" too/)
  assert.throws(parse({ ...index, layers: [] }, parseIndex), /it has "layers" too/)
  assert.throws(parse({ ...index, config: descriptor }, parseIndex), /it has "config" too/)
  assert.throws(
    parse({ ...manifest, mediaType: mediaTypes.index }, parseManifest),
    /calls itself "application\/vnd.oci.image.index/,
  )
  assert.throws(parse({ ...index, mediaType: mediaTypes.dockerManifest }, parseIndex), /calls itself/)
  assert.ok(parse({ ...manifest, mediaType: mediaTypes.dockerManifest }, parseManifest)())
  assert.ok(parse({ ...index, mediaType: mediaTypes.dockerList }, parseIndex)())
})

test('malformed documents are refused with what is wrong', () => {
  const wrong: readonly (readonly [object | string | null, RegExp])[] = [
    ['{', /is not JSON/],
    [null, /no manifest/],
    [[], /no manifest/],
    [{ ...manifest, schemaVersion: 1 }, /schemaVersion/],
    [{ ...manifest, config: undefined }, /config/],
    [{ ...manifest, layers: {} }, /layers/],
    [{ ...manifest, layers: [{ ...descriptor, digest: 'sha256:../../x' }] }, /layers\[0\]\.digest/],
    [{ ...manifest, layers: [{ ...descriptor, digest: `md5:${'0'.repeat(32)}` }] }, /layers\[0\]\.digest/],
    [{ ...manifest, layers: [{ ...descriptor, size: -1 }] }, /layers\[0\]\.size/],
    [{ ...manifest, layers: [{ ...descriptor, size: 1.5 }] }, /layers\[0\]\.size/],
    [{ ...manifest, config: { ...descriptor, mediaType: 'x' } }, /config\.mediaType/],
    [{ ...manifest, layers: Array.from({ length: 5000 }, () => descriptor) }, /layers/],
  ]
  for (const [document, message] of wrong) {
    const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))
    assert.throws(() => parseManifest(bytes, 'it'), message)
  }
})

test('configurations, as docker and others write them', () => {
  const parse = (document: object) => parseImageConfig(Buffer.from(JSON.stringify(document)), 'it')
  const docker = {
    ...config,
    config: {
      Env: null,
      Cmd: null,
      Entrypoint: null,
      Labels: null,
      Volumes: null,
      OnBuild: null,
      ExposedPorts: { '80/tcp': {} },
      Healthcheck: null,
    },
    container: 'x',
    history: [{ created_by: 'x', empty_layer: true }],
  }
  assert.ok(parse(docker))
  assert.ok(parse({ ...config, config: null, history: null, rootfs: { type: 'layers', diff_ids: null } }))
  assert.throws(() => parse({ ...config, rootfs: undefined }), /rootfs/)
  assert.throws(() => parse({ ...config, config: { Env: 'PATH=/' } }), /config\.Env/)
  assert.throws(() => parse({ ...config, config: { Cmd: [1] } }), /config\.Cmd/)
  assert.throws(() => parse({ ...config, config: { Labels: { a: 1 } } }), /config\.Labels/)
  assert.throws(() => parse({ ...config, rootfs: { type: 'layers', diff_ids: ['sha256:x'] } }), /diff_ids/)
})

test('a store that cannot be written says so and leaves nothing', async () => {
  if (process.getuid?.() === 0) return
  const store = await open()
  chmodSync(join(store.directory, 'blobs/sha256'), 0o500)
  const outcome = await store.ingest(chunks('x')).then(String, (e: Error) => e.message)
  assert.match(outcome, /EACCES/)
  assert.not.ok(existsSync(store.blobPath(sha256(Buffer.from('x')))))
  assert.equal(ingested(store), [])
})

test.run()
