// SPDX-License-Identifier: Apache-2.0
// Archives of images: an OCI layout that is a docker-archive as well (manifest.json), as docker itself writes them now.

import { copyFile, link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pack as packTree, read, readTo, remove } from '../host/files.ts'
import { type Descriptor, isIndexType, type Manifest, mediaTypes, type Platform } from '../../spec/image/documents.ts'
import { DockError, messageOf } from '../error.ts'
import { unpackArchive } from '../build/archive.ts'
import { decompress } from '../layers/compress.ts'
import { makeScratch } from '../layers/unpacked.ts'
import { pipeline } from 'node:stream/promises'
import { familiarText, parseReference, withDefaultTag, referenceText } from './reference.ts'
import { presentManifest } from './choose.ts'
import { choosePlatform, hostPlatform, platformText, suits } from './platform.ts'
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
  const name = image.names[0] ?? image.descriptor.digest
  const present = await presentManifest(images, image.descriptor)
  if (present === undefined) throw new DockError(`${name}: nothing of it is here; try: tsdock pull`)
  const { manifest } = await images.open(present, (index) => choosePlatform(index, hostPlatform(), name))
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

/** Takes over what is in an archive, or of an index what is for one platform. Errors: DockError: nothing is. */
async function takeBlobs(
  images: ImageStore,
  directory: string,
  descriptor: Descriptor,
  platform: Platform | undefined,
): Promise<void> {
  const take = async (blob: Descriptor): Promise<void> => {
    images.blobPath(blob.digest)
    if (!(await images.hasBlob(blob.digest))) await ingestMember(images, directory, blobPath(blob.digest), blob)
  }
  await take(descriptor)
  const bytes = await images.readDocument(descriptor)
  if (isIndexType(descriptor.mediaType)) {
    const { manifests } = parseIndex(bytes, descriptor.digest)
    const wanted =
      platform === undefined
        ? manifests
        : manifests.filter((one) => one.platform !== undefined && suits(platform, one.platform))
    let taken = 0
    for (const one of wanted) {
      const there = await read(directory, blobPath(one.digest), { limit: 8 << 20 }).then(
        () => true,
        () => false,
      )
      if (!there) continue
      await takeBlobs(images, directory, one, undefined)
      taken++
    }
    if (platform !== undefined && taken === 0) noPlatform(platform)
    return
  }
  const manifest = parseManifest(bytes, descriptor.digest)
  await take(manifest.config)
  if (platform !== undefined) {
    const config = parseImageConfig(await images.readDocument(manifest.config), manifest.config.digest)
    if (!suits(platform, config)) noPlatform(platform)
  }
  for (const layer of manifest.layers) await take(layer)
}

function noPlatform(platform: Platform): never {
  throw new DockError(`requested platform (${platformText(platform)}) not found: an image of the archive is not for it`)
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

/** Tags that stand alone in layouts of skopeo, umoci and others, where the layout's directory is the name. */
const MERE_TAG = /^(latest|stable|edge|nightly|main|master|dev|v?\d.*)$/

/**
 * The name of an image in an OCI layout. `ref.name` is a tag by the specification, and a whole name for most tools: with a
 * colon or a slash it is a name, and so it is, as for docker, when it can be the name of a repository and is no usual tag.
 */
export function layoutName(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  const full = annotations['io.containerd.image.name']
  if (full !== undefined) return nameOf(full)
  const text = annotations['org.opencontainers.image.ref.name']
  return text === undefined || MERE_TAG.test(text) ? undefined : nameOf(text)
}

async function loadOci(
  images: ImageStore,
  directory: string,
  bytes: Buffer,
  platform: Platform | undefined,
): Promise<readonly ArchivedImage[]> {
  const index = parseIndex(bytes, 'index.json')
  const loaded: ArchivedImage[] = []
  for (const { annotations, ...descriptor } of index.manifests) {
    await takeBlobs(images, directory, descriptor, platform)
    const name = layoutName(annotations)
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

async function loadDocker(
  images: ImageStore,
  directory: string,
  bytes: Buffer,
  platform: Platform | undefined,
): Promise<readonly ArchivedImage[]> {
  const loaded: ArchivedImage[] = []
  for (const entry of parseDockerManifest(bytes)) {
    const configBytes = await read(directory, entry.Config, { limit: 8 << 20 })
    const config = parseImageConfig(configBytes, entry.Config)
    if (platform !== undefined && !suits(platform, config)) noPlatform(platform)
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

export interface LoadOptions {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Of images for several, what is for this one alone. */
  readonly platform?: Platform | undefined
}

/** Reads an archive of either kind, compressed or not. Errors: DockError. */
export async function loadArchive(
  images: ImageStore,
  path: string,
  { now, platform }: LoadOptions,
): Promise<readonly ArchivedImage[]> {
  const scratch = await makeScratch(join(images.directory, 'ingest'))
  try {
    await unpackArchive(path, scratch, '', { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }, {})
    const index = await readJson(scratch, 'index.json')
    const docker = await readJson(scratch, 'manifest.json')
    if (index === undefined && docker === undefined)
      throw new DockError(`${path}: neither index.json nor manifest.json is in it: it is no archive of images`)
    const loaded =
      index === undefined
        ? await loadDocker(images, scratch, docker ?? Buffer.alloc(0), platform)
        : await loadOci(images, scratch, index, platform)
    for (const { descriptor, names } of loaded) {
      for (const name of names.length === 0 ? [undefined] : names) await images.tag(name, descriptor, now)
    }
    return loaded
  } finally {
    await remove(scratch)
  }
}
