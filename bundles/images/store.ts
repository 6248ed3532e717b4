// SPDX-License-Identifier: Apache-2.0
// Images as an OCI image layout (image-layout.md): blobs by digest, names in index.json. Other tools can read it as it is.

import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, type Dirent } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndexType,
  type Manifest,
  mediaTypes,
} from '../../spec/image/documents.ts'
import { imageConfigMisfit, indexMisfit, manifestMisfit } from '../../spec/image/validate.ts'
import { DockError } from '../error.ts'
import { lock } from '../host/lock.ts'
import { digestPattern } from './reference.ts'

const REF_NAME = 'org.opencontainers.image.ref.name'
/** When this store got the image: no part of the image, whose digest is to depend on its contents alone. */
const ADDED = 'io.tsdock.added'
/** What a push made of it: see StoredImage. */
const PUSHED = 'io.tsdock.pushed'
/** A larger document is no document. */
const MAX_DOCUMENT = 8 << 20

export interface StoredImage {
  /** Full name with tag, or undefined for one that has lost its name. */
  readonly name: string | undefined
  /** Of its manifest, or of an index. */
  readonly descriptor: Descriptor
  /** Milliseconds since 1970. */
  readonly added: number
  /** Digest of the manifest that its registry has got, since layers are compressed for the way. */
  readonly pushed?: string
}

export interface OpenImage {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
  readonly config: ImageConfig
  /** The config's digest: what Docker calls the image's id. */
  readonly id: string
}

/** By which digest a registry knows an image; undefined: none has got it, and it would be another one there. */
export function registryDigest(image: StoredImage, { layers }: Manifest): string | undefined {
  const asItIs = layers.every(({ mediaType }) => /[.+]gzip$|[.+]zstd$/.test(mediaType))
  return image.pushed ?? (asItIs ? image.descriptor.digest : undefined)
}

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Errors: DockError when it is not JSON. */
function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch {
    throw new DockError(`${what} is not JSON`)
  }
}

export function parseManifest(bytes: Uint8Array, what: string): Manifest {
  const value = parseJson(bytes, what)
  const wrong = manifestMisfit(value)
  if (wrong !== undefined) throw new DockError(`${what} is no manifest of an image: ${wrong}`)
  return value as Manifest
}

export function parseIndex(bytes: Uint8Array, what: string): Index {
  const value = parseJson(bytes, what)
  const wrong = indexMisfit(value)
  if (wrong !== undefined) throw new DockError(`${what} is no index of images: ${wrong}`)
  return value as Index
}

export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const value = parseJson(bytes, what)
  const wrong = imageConfigMisfit(value)
  if (wrong !== undefined) throw new DockError(`${what} is no configuration of an image: ${wrong}`)
  return value as ImageConfig
}

/** An image layout on disk. All writers of index.json hold the layout's lock. */
export class ImageStore {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /** Makes the layout when it is not there. */
  static async open(directory: string): Promise<ImageStore> {
    const store = new ImageStore(directory)
    await mkdir(join(directory, 'blobs/sha256'), { recursive: true, mode: 0o700 })
    await mkdir(join(directory, 'ingest'), { recursive: true, mode: 0o700 })
    await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', { flag: 'wx' }).catch(
      ignoreExisting,
    )
    const empty = `${JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })}\n`
    await writeFile(join(directory, 'index.json'), empty, { flag: 'wx' }).catch(ignoreExisting)
    return store
  }

  /** Errors: the digest is malformed. */
  blobPath(digest: string): string {
    if (!digestPattern.test(digest))
      throw new DockError(`the digest ${JSON.stringify(digest)}: only sha256 is supported`)
    return join(this.directory, 'blobs/sha256', digest.slice(7))
  }

  async hasBlob(digest: string): Promise<boolean> {
    return stat(this.blobPath(digest)).then(
      () => true,
      () => false,
    )
  }

  readBlob(digest: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.blobPath(digest), { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
  }

  /** A small blob, checked. Errors: DockError. */
  async readDocument(descriptor: Descriptor): Promise<Buffer> {
    if (descriptor.size > MAX_DOCUMENT)
      throw new DockError(`${descriptor.digest}: ${descriptor.size} bytes are too many`)
    const bytes = await readFile(this.blobPath(descriptor.digest)).catch((e: NodeJS.ErrnoException) => {
      throw new DockError(`the blob ${descriptor.digest} is missing from the store (${e.code}); try: tsdock fsck`)
    })
    if (sha256(bytes) !== descriptor.digest)
      throw new DockError(`the blob ${descriptor.digest} is damaged; try: tsdock fsck`)
    return bytes
  }

  /**
   * Writes a stream as a blob. A known digest is checked, and nothing stays of a stream that does not fit it.
   * Errors: DockError.
   */
  async ingest(
    stream: AsyncIterable<Uint8Array>,
    expected: { readonly digest?: string; readonly size?: number } = {},
  ): Promise<{ readonly digest: string; readonly size: number }> {
    const path = join(this.directory, 'ingest', randomBytes(12).toString('hex'))
    const hash = createHash('sha256')
    let size = 0
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const chunk of stream) {
        hash.update(chunk)
        size += chunk.length
        if (expected.size !== undefined && size > expected.size) break
        await writeAt(file, chunk, size - chunk.length)
      }
      await file.truncate(size)
      const digest = `sha256:${hash.digest('hex')}`
      if (expected.size !== undefined && size !== expected.size) {
        throw new DockError(
          `${expected.digest ?? 'a blob'} has ${size > expected.size ? 'more than ' : ''}${Math.min(size, expected.size)} bytes where ${expected.size} were announced`,
        )
      }
      if (expected.digest !== undefined && digest !== expected.digest) {
        throw new DockError(`a blob has the digest ${digest} where ${expected.digest} was announced`)
      }
      await file.close()
      await rename(path, this.blobPath(digest))
      return { digest, size }
    } catch (e: unknown) {
      await file.close().catch(() => undefined)
      await rm(path, { force: true })
      throw e
    }
  }

  /** Writes a document as a blob. */
  async putDocument(mediaType: string, document: object | Uint8Array): Promise<Descriptor> {
    const bytes = document instanceof Uint8Array ? document : Buffer.from(JSON.stringify(document))
    const digest = sha256(bytes)
    if (!(await this.hasBlob(digest))) await this.ingest(chunksOf(bytes), { digest })
    return { mediaType, digest, size: bytes.length }
  }

  async #readIndex(): Promise<Index> {
    return parseIndex(await readFile(join(this.directory, 'index.json')), join(this.directory, 'index.json'))
  }

  async list(): Promise<readonly StoredImage[]> {
    return (await this.#readIndex()).manifests.map((entry) => {
      const { [REF_NAME]: name, [ADDED]: added, [PUSHED]: pushed, ...annotations } = entry.annotations ?? {}
      const { annotations: _, ...descriptor } = entry
      return {
        name,
        descriptor: Object.keys(annotations).length === 0 ? descriptor : { ...descriptor, annotations },
        added: Number(added ?? 0),
        ...(pushed === undefined ? {} : { pushed }),
      }
    })
  }

  /** Changes the list of images under the lock. */
  async change(edit: (images: readonly StoredImage[]) => readonly StoredImage[]): Promise<void> {
    const held = await lock(join(this.directory, 'lock'), 'exclusive')
    try {
      const before = await this.list()
      const manifests = edit(before).map(({ name, descriptor, added, pushed }) => ({
        ...descriptor,
        annotations: {
          ...descriptor.annotations,
          ...(name === undefined ? {} : { [REF_NAME]: name }),
          [ADDED]: String(added),
          ...(pushed === undefined ? {} : { [PUSHED]: pushed }),
        },
      }))
      const index: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests }
      const path = join(this.directory, 'index.json')
      const fresh = `${path}.${randomBytes(6).toString('hex')}`
      const file = await open(fresh, 'wx', 0o600)
      await file.writeFile(`${JSON.stringify(index, undefined, 1)}\n`)
      await file.sync()
      await file.close()
      await rename(fresh, path)
    } finally {
      await held.release()
    }
  }

  /** Gives an image a name; the image that had it keeps living without one. */
  async tag(name: string | undefined, descriptor: Descriptor, added: number): Promise<void> {
    await this.change((images) => {
      const others = images.flatMap((image) => {
        if (image.name === name && name !== undefined) {
          const known = image.descriptor.digest === descriptor.digest
          const named = images.some((one) => one.descriptor.digest === image.descriptor.digest && one.name !== name)
          return known || named ? [] : [{ ...image, name: undefined }]
        }
        // What gets a name is nameless no longer.
        return image.name === undefined && image.descriptor.digest === descriptor.digest ? [] : [image]
      })
      if (name === undefined && others.some((image) => image.descriptor.digest === descriptor.digest)) return images
      return [...others, { name, descriptor, added }]
    })
  }

  /** Remembers what the registry of a name has got. */
  async notePushed(name: string, descriptor: Descriptor, digest: string): Promise<void> {
    await this.change((images) =>
      images.map((image) =>
        image.name === name && image.descriptor.digest === descriptor.digest ? { ...image, pushed: digest } : image,
      ),
    )
  }

  /** Digests of an image in the list and, when it is an index, of the manifests in it: containers have one of these. */
  async digestsOf(descriptor: Descriptor): Promise<ReadonlySet<string>> {
    const digests = new Set([descriptor.digest])
    if (!isIndexType(descriptor.mediaType)) return digests
    for (const one of parseIndex(await this.readDocument(descriptor), descriptor.digest).manifests) {
      for (const digest of await this.digestsOf(one).catch(() => [one.digest])) digests.add(digest)
    }
    return digests
  }

  /** The manifest for a platform, out of an index when it is one. Errors: DockError. */
  async open(descriptor: Descriptor, platform: (index: Index) => Descriptor): Promise<OpenImage> {
    let at = descriptor
    for (let depth = 0; isIndexType(at.mediaType); depth++) {
      if (depth > 3) throw new DockError(`${descriptor.digest}: indexes of indexes without end`)
      at = platform(parseIndex(await this.readDocument(at), at.digest))
    }
    const manifest = parseManifest(await this.readDocument(at), at.digest)
    const config = parseImageConfig(await this.readDocument(manifest.config), manifest.config.digest)
    return { descriptor: at, manifest, config, id: manifest.config.digest }
  }

  /** Names of all blobs. */
  async blobs(): Promise<readonly string[]> {
    const entries: readonly Dirent[] = await readdir(join(this.directory, 'blobs/sha256'), { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => `sha256:${entry.name}`)
  }
}

const zeros = Buffer.alloc(1 << 16)

/** Zeros become holes: layers have files in full that are sparse on disk. */
async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const part = chunk.subarray(at, at + zeros.length)
    const written = part.length === zeros.length && zeros.equals(part)
    at += written ? part.length : (await file.write(part, 0, part.length, position + at)).bytesWritten
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

function ignoreExisting(e: NodeJS.ErrnoException): void {
  if (e.code !== 'EEXIST') throw e
}
