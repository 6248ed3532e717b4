// SPDX-License-Identifier: Apache-2.0
// Archives of images: an OCI layout that is a docker-archive as well (manifest.json), as docker itself writes them now.

import { copyFile, link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pack as packTree, read, readTo, remove } from '../host/files.ts'
import { type Descriptor, isIndexType, type Manifest, mediaTypes } from '../../spec/image/documents.ts'
import { DockError, messageOf } from '../error.ts'
import { unpackArchive } from '../build/archive.ts'
import { decompress } from '../layers/compress.ts'
import { makeScratch } from '../layers/unpacked.ts'
import { pipeline } from 'node:stream/promises'
import { familiarText, parseReference, withDefaultTag, referenceText } from './reference.ts'
import { choosePlatform, hostPlatform } from './platform.ts'
import { type ImageStore, parseImageConfig, parseIndex, parseManifest } from './store.ts'

export interface ArchivedImage {
  readonly descriptor: Descriptor
  /** Full names. */
  readonly names: readonly string[]
}

const blobPath = (digest: string): string => `blobs/sha256/${digest.slice(7)}`

/** All blobs that a document names and that are here, itself included. */
export async function blobsOf(images: ImageStore, descriptor: Descriptor): Promise<readonly Descriptor[]> {
  if (!(await images.hasBlob(descriptor.digest))) return []
  if (isIndexType(descriptor.mediaType)) {
    const index = parseIndex(await images.readDocument(descriptor), descriptor.digest)
    const below: Descriptor[] = []
    for (const one of index.manifests) below.push(...(await blobsOf(images, one)))
    return [descriptor, ...below]
  }
  const manifest = parseManifest(await images.readDocument(descriptor), descriptor.digest)
  return [descriptor, manifest.config, ...manifest.layers]
}

interface DockerManifestEntry {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  readonly Layers: readonly string[]
}

async function dockerEntry(images: ImageStore, image: ArchivedImage): Promise<DockerManifestEntry> {
  const { manifest } = await images.open(image.descriptor, (index) =>
    choosePlatform(index, hostPlatform(), image.names[0] ?? ''),
  )
  return {
    Config: blobPath(manifest.config.digest),
    RepoTags: image.names.map((name) => familiarText(parseReference(name))),
    Layers: manifest.layers.map((layer) => blobPath(layer.digest)),
  }
}

/** Writes images as one archive, the same bytes for the same images. Errors: DockError. */
export async function writeArchive(
  images: ImageStore,
  wanted: readonly ArchivedImage[],
  out: NodeJS.WritableStream,
): Promise<void> {
  const scratch = await makeScratch(join(images.directory, 'ingest'))
  try {
    await mkdir(join(scratch, 'blobs/sha256'), { recursive: true })
    const copied = new Set<string>()
    for (const { descriptor } of wanted) {
      for (const blob of await blobsOf(images, descriptor)) {
        if (copied.has(blob.digest)) continue
        copied.add(blob.digest)
        const target = join(scratch, blobPath(blob.digest))
        await link(images.blobPath(blob.digest), target).catch(() => copyFile(images.blobPath(blob.digest), target))
      }
    }
    const manifests = wanted.flatMap(({ descriptor, names }) =>
      (names.length === 0 ? [undefined] : names).map((name) => ({
        ...descriptor,
        ...(name === undefined
          ? {}
          : {
              annotations: {
                'io.containerd.image.name': name,
                'org.opencontainers.image.ref.name': parseReference(name).tag ?? name,
              },
            }),
      })),
    )
    const docker = await Promise.all(wanted.map((image) => dockerEntry(images, image)))
    await writeFile(join(scratch, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    await writeFile(
      join(scratch, 'index.json'),
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
    )
    await writeFile(join(scratch, 'manifest.json'), JSON.stringify(docker))
    await packTree(scratch, (tar) => pipeline(tar, out, { end: out !== process.stdout }), { plain: true, newest: 0 })
  } finally {
    await remove(scratch)
  }
}

async function readJson(directory: string, path: string): Promise<Buffer | undefined> {
  return read(directory, path, { limit: 8 << 20 }).catch((e: unknown) => {
    if (/\(ENOENT\)/.test(messageOf(e))) return undefined
    throw e
  })
}

type Stream = AsyncIterable<Uint8Array>

/** Takes a file of an unpacked archive over as a blob; links in it never lead out of it. */
async function ingestMember(
  images: ImageStore,
  directory: string,
  path: string,
  expected: { readonly digest: string; readonly size?: number },
  through: (bytes: Stream) => Stream = (bytes) => bytes,
): Promise<{ readonly digest: string; readonly size: number }> {
  let blob = { digest: '', size: 0 }
  await readTo(directory, path, async (out) => {
    blob = await images.ingest(through(out as Stream), expected)
  })
  return blob
}

async function takeBlobs(images: ImageStore, directory: string, descriptor: Descriptor): Promise<void> {
  const take = async (blob: Descriptor): Promise<void> => {
    images.blobPath(blob.digest)
    if (!(await images.hasBlob(blob.digest))) await ingestMember(images, directory, blobPath(blob.digest), blob)
  }
  await take(descriptor)
  const bytes = await images.readDocument(descriptor)
  if (isIndexType(descriptor.mediaType)) {
    for (const one of parseIndex(bytes, descriptor.digest).manifests) {
      const there = await read(directory, blobPath(one.digest), { limit: 8 << 20 }).then(
        () => true,
        () => false,
      )
      if (there) await takeBlobs(images, directory, one)
    }
    return
  }
  const manifest = parseManifest(bytes, descriptor.digest)
  for (const blob of [manifest.config, ...manifest.layers]) await take(blob)
}

/** Names in archives are data: only whole names are taken. */
function nameOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return referenceText(withDefaultTag(parseReference(text)))
  } catch {
    return undefined
  }
}

async function loadOci(images: ImageStore, directory: string, bytes: Buffer): Promise<readonly ArchivedImage[]> {
  const index = parseIndex(bytes, 'index.json')
  const loaded: ArchivedImage[] = []
  for (const { annotations, ...descriptor } of index.manifests) {
    await takeBlobs(images, directory, descriptor)
    const full = annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name']
    const name = full !== undefined && /[:/]/.test(full) ? nameOf(full) : undefined
    loaded.push({ descriptor, names: name === undefined ? [] : [name] })
  }
  return loaded
}

function parseDockerManifest(bytes: Buffer): readonly DockerManifestEntry[] {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new DockError('manifest.json of the archive is not JSON')
  }
  const isText = (one: unknown): one is string => typeof one === 'string'
  const isEntry = (one: unknown): one is DockerManifestEntry => {
    const entry = one as Partial<DockerManifestEntry> | null
    return (
      typeof entry === 'object' &&
      entry !== null &&
      isText(entry.Config) &&
      Array.isArray(entry.Layers) &&
      entry.Layers.every(isText) &&
      Array.isArray(entry.RepoTags ?? []) &&
      (entry.RepoTags ?? []).every(isText)
    )
  }
  if (!Array.isArray(value) || !value.every(isEntry))
    throw new DockError('manifest.json of the archive: a list of Config, RepoTags and Layers was expected')
  return value
}

async function loadDocker(images: ImageStore, directory: string, bytes: Buffer): Promise<readonly ArchivedImage[]> {
  const loaded: ArchivedImage[] = []
  for (const entry of parseDockerManifest(bytes)) {
    const configBytes = await read(directory, entry.Config, { limit: 8 << 20 })
    const config = parseImageConfig(configBytes, entry.Config)
    const diffIds = config.rootfs.diff_ids ?? []
    if (diffIds.length !== entry.Layers.length)
      throw new DockError(`manifest.json: ${entry.Layers.length} layers where the configuration has ${diffIds.length}`)
    const layers: Descriptor[] = []
    for (const [i, path] of entry.Layers.entries()) {
      // Layers may be compressed; the configuration's digests are of the plain ones, and checked here.
      const blob = await ingestMember(images, directory, path, { digest: diffIds[i] ?? '' }, decompress)
      layers.push({ mediaType: mediaTypes.layer, ...blob })
    }
    const configDescriptor = await images.putDocument(mediaTypes.config, configBytes)
    const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: configDescriptor, layers }
    const descriptor = await images.putDocument(mediaTypes.manifest, manifest)
    loaded.push({ descriptor, names: (entry.RepoTags ?? []).flatMap((tag) => nameOf(tag) ?? []) })
  }
  return loaded
}

/** Reads an archive of either kind, compressed or not. Errors: DockError. */
export async function loadArchive(images: ImageStore, path: string, now: number): Promise<readonly ArchivedImage[]> {
  const scratch = await makeScratch(join(images.directory, 'ingest'))
  try {
    await unpackArchive(path, scratch, '', { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }, {})
    const index = await readJson(scratch, 'index.json')
    const docker = await readJson(scratch, 'manifest.json')
    if (index === undefined && docker === undefined)
      throw new DockError(`${path}: neither index.json nor manifest.json is in it: it is no archive of images`)
    const loaded =
      index === undefined
        ? await loadDocker(images, scratch, docker ?? Buffer.alloc(0))
        : await loadOci(images, scratch, index)
    for (const { descriptor, names } of loaded) {
      for (const name of names.length === 0 ? [undefined] : names) await images.tag(name, descriptor, now)
    }
    return loaded
  } finally {
    await remove(scratch)
  }
}
