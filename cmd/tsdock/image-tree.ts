// SPDX-License-Identifier: Apache-2.0
// `images --tree`: each image with the platforms that it is for.

import { dirname } from 'node:path'
import { sizeOf } from '../../bundles/host/files.ts'
import { blobsOf } from '../../bundles/images/archive.ts'
import { partsOf } from '../../bundles/images/garbage.ts'
import { platformText } from '../../bundles/images/platform.ts'
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { parseImageConfig, parseIndex, parseManifest } from '../../bundles/images/store.ts'
import type { Storage } from '../../bundles/storage.ts'
import { type Descriptor, isIndexType } from '../../spec/image/documents.ts'
import type { ListedImage } from './image-filters.ts'
import { formatTable, sizeText } from './table.ts'

interface Line {
  readonly id: string
  /** With what is unpacked of it. */
  readonly disk: number
  readonly content: number
  readonly used: boolean
}

/** The images of an index, or the one that it is; what describes images (attestations) is none. */
async function platformsOf(
  { images }: Storage,
  descriptor: Descriptor,
): Promise<readonly (readonly [string, Descriptor])[]> {
  const bytes = await images.readDocument(descriptor)
  if (!isIndexType(descriptor.mediaType)) {
    const manifest = parseManifest(bytes, descriptor.digest)
    const config = parseImageConfig(await images.readDocument(manifest.config), manifest.config.digest)
    return [[platformText(config), descriptor]]
  }
  return parseIndex(bytes, descriptor.digest).manifests.flatMap((one): (readonly [string, Descriptor])[] =>
    one.platform === undefined || one.platform.os === 'unknown' ? [] : [[platformText(one.platform), one]],
  )
}

class Measure {
  readonly #storage: Storage
  readonly #used: ReadonlySet<string>
  readonly #sizes = new Map<string, Promise<number>>()

  constructor(storage: Storage, used: ReadonlySet<string>) {
    this.#storage = storage
    this.#used = used
  }

  #layer(chainId: string): Promise<number> {
    const known = this.#sizes.get(chainId)
    if (known !== undefined) return known
    const size = sizeOf(dirname(this.#storage.layers.path(chainId))).catch(() => 0)
    this.#sizes.set(chainId, size)
    return size
  }

  /** What is here of an image. */
  async line(id: string, descriptor: Descriptor): Promise<Line> {
    const parts = await partsOf(this.#storage, descriptor)
    const blobs = new Map(
      (await blobsOf(this.#storage.images, descriptor)).map(({ digest, size }) => [digest, size] as const),
    )
    let content = 0
    for (const [digest, size] of blobs) if (await this.#storage.images.hasBlob(digest)) content += size
    let unpacked = 0
    for (const part of new Set(parts)) if (part.startsWith('layer ')) unpacked += await this.#layer(part.slice(6))
    return { id, disk: content + unpacked, content, used: parts.some((part) => this.#used.has(part)) }
  }
}

const cells = (name: string, { id, disk, content, used }: Line): readonly string[] => [
  name,
  id.slice(7, 19),
  sizeText(disk),
  sizeText(content),
  used ? '✔' : '',
]

/** Names of one image stand in lines of their own, the last one with what there is to say. */
export async function imageTree(storage: Storage, listed: readonly ListedImage[]): Promise<string> {
  const used = new Set((await storage.containers.list()).map(({ record }) => `blob ${record.image.manifest.digest}`))
  const measure = new Measure(storage, used)
  const rows: (readonly string[])[] = [['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'USED']]
  for (const digest of new Set(listed.map(({ image }) => image.descriptor.digest))) {
    const same = listed.filter(({ image }) => image.descriptor.digest === digest)
    const [first] = same
    if (first === undefined) continue
    const names = same.map(({ image }) =>
      image.name === undefined ? '<untagged>' : familiarText(parseReference(image.name)),
    )
    rows.push(...names.slice(0, -1).map((name) => [name]))
    rows.push(cells(names.at(-1) ?? '', await measure.line(first.opened?.id ?? digest, first.image.descriptor)))
    const platforms = await platformsOf(storage, first.image.descriptor).catch(() => [])
    for (const [i, [platform, descriptor]] of platforms.entries()) {
      const branch = i === platforms.length - 1 ? '└─' : '├─'
      rows.push(cells(`${branch} ${platform}`, await measure.line(descriptor.digest, descriptor)))
    }
  }
  return formatTable(rows)
}
