// SPDX-License-Identifier: Apache-2.0
// Pull and push with a real registry, and with what other tools push and pull there.

import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { choosePlatform } from '../../bundles/images/platform.ts'
import { parseReference } from '../../bundles/images/reference.ts'
import { ImageStore, parseIndex, parseManifest } from '../../bundles/images/store.ts'
import { LayerStore } from '../../bundles/layers/unpacked.ts'
import { eraseCredentials, findCredentials, storeCredentials } from '../../bundles/registry/credentials.ts'
import { pull, type PullOptions } from '../../bundles/registry/pull.ts'
import { push } from '../../bundles/registry/push.ts'
import { checkLogin, type RegistryAccess } from '../../bundles/registry/registry.ts'
import type { Descriptor } from '../../spec/image/documents.ts'
import { putImage, putIndex } from '../helpers/image.ts'
import { needsRegistry, type Registry, startProxy, startRegistry } from '../helpers/registry.ts'
import { hostSuite } from '../helpers/suite.ts'
import { needsPrograms } from '../helpers/tools.ts'
import { newDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('registry')

const access: RegistryAccess = {
  settings: {},
  credentials: async () => undefined,
  patience: { timeoutMs: 20_000, pauseMs: 10 },
}
const newStore = (): Promise<ImageStore> => ImageStore.open(newDir('store'))
const amd64 = { os: 'linux', architecture: 'amd64' }
const options: PullOptions = { platform: amd64, now: 1 }

type Body = (registry: Registry) => Promise<void>

/** A test with a registry of its own. htpasswd: who may use it; bcrypt. */
function registryTest(
  title: string,
  body: Body,
  more: { readonly programs?: readonly string[]; readonly htpasswd?: string } = {},
): void {
  test(
    title,
    async () => {
      const registry = await startRegistry(more.htpasswd === undefined ? {} : { htpasswd: more.htpasswd })
      try {
        await body(registry)
      } finally {
        await registry.stop()
      }
    },
    { needs: [needsRegistry, needsPrograms(...(more.programs ?? []))], timeoutMs: 120_000 },
  )
}

const send = (store: ImageStore, name: string, image: Descriptor, how = access): Promise<Descriptor> =>
  push(store, parseReference(name), image, how)

/** Files of an image, unpacked; the last layer wins. */
async function filesOf(
  store: ImageStore,
  descriptor: Descriptor,
  platform = amd64,
): Promise<Readonly<Record<string, string>>> {
  const { manifest, config } = await store.open(descriptor, (index) => choosePlatform(index, platform, 'it'))
  const layers = new LayerStore(newDir('layers'))
  const sources = manifest.layers.map((layer, i) => ({
    diffId: config.rootfs.diff_ids[i] ?? '',
    open: () => store.readBlob(layer.digest),
  }))
  const files: Record<string, string> = {}
  for (const directory of await layers.ensure(sources))
    for (const name of execFileSync('find', ['.', '-type', 'f'], { cwd: directory, encoding: 'utf8' })
      .split('\n')
      .filter(Boolean))
      files[name.slice(2)] = readFileSync(join(directory, name), 'latin1')
  return files
}

for (const [title, image] of Object.entries({
  'OCI, gzip': {},
  'OCI, plain tar, which is compressed for the way': { compression: 'none' },
  'OCI, zstd': { compression: 'zstd' },
  'schema 2 of Docker': { docker: true },
} as const)) {
  registryTest(`an image goes there and back: ${title}`, async ({ host }) => {
    const [from, to] = [await newStore(), await newStore()]
    const pushed = await putImage(from, { layers: [{ a: '1', b: '2' }, { 'c/d': '3' }], ...image })
    const sent = await send(from, `${host}/some/image:1`, pushed)
    const pulled = await pull(to, parseReference(`${host}/some/image:1`), access, options)
    assert.is(pulled.descriptor.digest, sent.digest)
    assert.is(pulled.descriptor.mediaType, pushed.mediaType)
    if (!('compression' in image) || image.compression !== 'none') assert.is(sent.digest, pushed.digest)
    assert.equal(await filesOf(to, pulled.descriptor), { a: '1', b: '2', 'c/d': '3' })
    assert.is(pulled.upToDate, false)
    assert.is((await pull(to, parseReference(`${host}/some/image:1`), access, options)).upToDate, true)
    const byDigest = await pull(to, parseReference(`${host}/some/image@${sent.digest}`), access, options)
    assert.is(byDigest.descriptor.digest, sent.digest)
    assert.equal(
      (await to.list()).map(({ name }) => name),
      [`${host}/some/image:1`, `${host}/some/image@${sent.digest}`],
    )
  })
}

registryTest('indexes: one platform or all, and what is here of them goes back', async ({ host }) => {
  for (const docker of [false, true]) {
    const from = await newStore()
    const platforms = ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture }))
    const images = await Promise.all(
      platforms.map((platform) => putImage(from, { layers: [{ arch: platform.architecture }], docker, platform })),
    )
    const index = await putIndex(from, images, docker)
    const name = `${host}/multi:${docker ? 'docker' : 'oci'}`
    assert.is((await send(from, name, index)).digest, index.digest)

    const one = await newStore()
    const part = await pull(one, parseReference(name), access, {
      ...options,
      platform: { os: 'linux', architecture: 's390x' },
    })
    assert.is(part.descriptor.digest, index.digest)
    assert.equal(await filesOf(one, part.descriptor, { os: 'linux', architecture: 's390x' }), { arch: 's390x' })
    assert.is(await one.hasBlob(images[0]?.digest ?? ''), false)
    assert.match(
      await pull(one, parseReference(name), access, {
        ...options,
        platform: { os: 'linux', architecture: 'riscv64' },
      }).then(String, (e: Error) => e.message),
      /no image for linux\/riscv64; there are: linux\/amd64, linux\/arm64, linux\/s390x/,
    )

    const all = await newStore()
    const whole = await pull(all, parseReference(name), access, { ...options, allPlatforms: true })
    for (const platform of platforms)
      assert.equal(await filesOf(all, whole.descriptor, platform), { arch: platform.architecture })
    assert.is((await send(all, `${host}/again:1`, whole.descriptor)).digest, index.digest)

    const partial = await send(one, `${host}/partial:${docker ? 'docker' : 'oci'}`, part.descriptor)
    const sent = await pull(await newStore(), parseReference(`${host}/partial:${docker ? 'docker' : 'oci'}`), access, {
      ...options,
      allPlatforms: true,
    })
    assert.is(sent.descriptor.digest, partial.digest)
    assert.not.equal(partial.digest, index.digest)
  }
})

registryTest('blobs that are there are not sent again, those of another repository are mounted', async ({ host }) => {
  const store = await newStore()
  const image = await putImage(store, { layers: [{ big: randomBytes(100_000) }] })
  await send(store, `${host}/one:1`, image)
  const events: string[] = []
  const note = ({ event, mountedFrom }: { readonly event: string; readonly mountedFrom?: string }): void => {
    if (event !== 'bytes') events.push(mountedFrom === undefined ? event : `mounted from ${mountedFrom}`)
  }
  await push(store, parseReference(`${host}/one:2`), image, access, { onProgress: note })
  assert.equal(events.splice(0), ['exists', 'exists'])
  await push(store, parseReference(`${host}/two:1`), image, access, {
    onProgress: note,
    mountFrom: ['not/there', 'one'],
  })
  assert.equal(events.splice(0), ['mounted from one', 'mounted from one'])
  const pulled = await pull(await newStore(), parseReference(`${host}/two:1`), access, options)
  assert.is(pulled.descriptor.digest, image.digest)
})

registryTest('connections that break in the middle: pull and push go on', async (registry) => {
  const store = await newStore()
  const image = await putImage(store, { layers: [{ big: randomBytes(6_000_000) }] })
  await send(store, `${registry.host}/cut:1`, image)
  const down = await startProxy(registry.host, { cutAfter: 1_500_000, times: 3, direction: 'down' })
  try {
    const to = await newStore()
    const pulled = await pull(to, parseReference(`${down.host}/cut:1`), access, options)
    assert.is(pulled.descriptor.digest, image.digest)
    assert.is(down.cuts(), 3)
    assert.match(registry.log(), /http\.response\.status=206/)
    assert.ok((await filesOf(to, pulled.descriptor))['big'])
  } finally {
    await down.stop()
  }
  const up = await startProxy(registry.host, { cutAfter: 1_500_000, times: 2, direction: 'up' })
  try {
    await send(store, `${up.host}/sent:1`, image)
    assert.is(up.cuts(), 2)
  } finally {
    await up.stop()
  }
  assert.is(
    (await pull(await newStore(), parseReference(`${registry.host}/sent:1`), access, options)).descriptor.digest,
    image.digest,
  )
})

registryTest('what is not there is told in words', async ({ host }) => {
  const store = await newStore()
  const fails = (name: string): Promise<string> =>
    pull(store, parseReference(name), access, options).then(String, (e: Error) => e.message)
  assert.is(await fails(`${host}/no/such:1`), `${host}/no/such:1: not found in the registry ${host}`)
  assert.match(await fails('127.0.0.1:1/x'), /127\.0\.0\.1:1: cannot reach http:\/\/127\.0\.0\.1:1/)
  assert.equal(await store.list(), [])
  assert.equal(await store.blobs(), [])
})

registryTest(
  'a registry with passwords: login, push, pull, logout',
  async ({ host }) => {
    const path = join(newDir('docker'), 'config.json')
    const known: RegistryAccess = { ...access, credentials: (registry) => findCredentials(registry, path) }
    const store = await newStore()
    const image = await putImage(store, { layers: [{ a: '1' }] })
    const outcome = (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => 'done',
        (e: Error) => e.message,
      )
    assert.match(
      await outcome(send(store, `${host}/a:1`, image, known)),
      new RegExp(`401 .*\\(try: tsdock login ${host}\\)`),
    )
    assert.match(await outcome(checkLogin(host, { username: 'me', password: 'wrong' }, {})), /401/)
    assert.is(await outcome(checkLogin(host, { username: 'me', password: 'secret' }, {})), 'done')
    await storeCredentials(host, { username: 'me', password: 'secret' }, path)
    assert.is(await outcome(send(store, `${host}/a:1`, image, known)), 'done')
    assert.is(
      (await pull(await newStore(), parseReference(`${host}/a:1`), known, options)).descriptor.digest,
      image.digest,
    )
    assert.ok(await eraseCredentials(host, path))
    assert.match(await outcome(pull(await newStore(), parseReference(`${host}/a:1`), known, options)), /401/)
  },
  { htpasswd: 'me:$2b$04$PMvkMEFfPRR0gD/pCbmHMOTN9byg8kbJS4EM.XCHlaGKwGIMwkcHm\n' },
)

registryTest('a mirror is asked first; one that fails, or has something else, is passed over', async ({ host }) => {
  const store = await newStore()
  const image = await putImage(store, { layers: [{ a: '1' }] })
  await send(store, `${host}/a:1`, image)
  const mirrored = (mirrors: readonly string[]): RegistryAccess => ({
    ...access,
    settings: { mirrors: { [host]: mirrors } },
  })
  const dead = mirrored(['http://127.0.0.1:1', `http://${host}/nowhere`])
  assert.is(
    (await pull(await newStore(), parseReference(`${host}/a:1`), dead, options)).descriptor.digest,
    image.digest,
  )
  const other: RegistryAccess = { ...access, settings: { mirrors: { '127.0.0.1:1': [`http://${host}`] } } }
  assert.is(
    (await pull(await newStore(), parseReference('127.0.0.1:1/a:1'), other, options)).descriptor.digest,
    image.digest,
  )
})

/** Runs a tool of others. Errors: it failed. */
function tool(program: string, ...args: readonly string[]): string {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 100_000,
    env: { ...process.env, STORAGE_DRIVER: 'vfs' },
  })
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`)
  return result.stdout
}

registryTest(
  'exchange with skopeo: both ways, OCI and schema 2, and the layout itself',
  async ({ host }) => {
    const [store, back] = [await newStore(), await newStore()]
    const image = await putImage(store, { layers: [{ a: '1' }, { b: '2' }], compression: 'none' })
    await send(store, `${host}/ours:1`, image)
    const layout = newDir('layout')
    tool('skopeo', 'copy', '--src-tls-verify=false', `docker://${host}/ours:1`, `oci:${layout}:1`)
    tool('skopeo', 'copy', '--dest-tls-verify=false', `oci:${layout}:1`, `docker://${host}/theirs:oci`)
    tool(
      'skopeo',
      'copy',
      '--dest-tls-verify=false',
      '--format=v2s2',
      `oci:${layout}:1`,
      `docker://${host}/theirs:docker`,
    )
    for (const tag of ['oci', 'docker']) {
      const pulled = await pull(back, parseReference(`${host}/theirs:${tag}`), access, options)
      assert.equal(await filesOf(back, pulled.descriptor), { a: '1', b: '2' }, tag)
    }
    await store.tag('named', image, 1)
    const seen = JSON.parse(tool('skopeo', 'inspect', '--raw', `oci:${store.directory}:named`)) as object
    assert.ok(parseManifest(Buffer.from(JSON.stringify(seen)), 'it'))
  },
  { programs: ['skopeo'] },
)

registryTest(
  'exchange with buildah and podman',
  async ({ host }) => {
    const root = ['--root', newDir('containers'), '--runroot', newDir('run')]
    const store = await newStore()
    const image = await putImage(store, { layers: [{ a: '1' }, { 'b/c': '2' }] })
    await send(store, `${host}/ours:1`, image)
    tool('buildah', ...root, 'pull', '--tls-verify=false', `${host}/ours:1`)
    const container = tool('buildah', ...root, 'from', '--pull-never', `${host}/ours:1`).trim()
    const mounted = tool('buildah', ...root, 'mount', container).trim()
    assert.is(readFileSync(join(mounted, 'b/c'), 'utf8'), '2')
    writeFileSync(join(mounted, 'new'), 'of buildah')
    execFileSync('rm', [join(mounted, 'a')])
    tool('buildah', ...root, 'umount', container)
    for (const format of ['oci', 'docker'])
      tool('buildah', ...root, 'commit', '--format', format, container, `${host}/built:${format}`)
    tool('podman', ...root, 'push', '--tls-verify=false', `${host}/built:oci`)
    tool('buildah', ...root, 'push', '--tls-verify=false', '--format', 'docker', `${host}/built:docker`)
    for (const format of ['oci', 'docker']) {
      const to = await newStore()
      const pulled = await pull(to, parseReference(`${host}/built:${format}`), access, options)
      const files = await filesOf(to, pulled.descriptor)
      assert.is(files['new'], 'of buildah', format)
    }
    const index = await putIndex(store, [image])
    await send(store, `${host}/index:1`, index)
    tool('podman', ...root, 'pull', '--tls-verify=false', `${host}/index:1`)
    assert.ok(parseIndex(await store.readDocument(index), 'it'))
    tool('buildah', ...root, 'rm', '--all')
    assert.ok(existsSync(store.directory))
  },
  { programs: ['buildah', 'podman'] },
)

run()
