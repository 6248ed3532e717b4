// SPDX-License-Identifier: Apache-2.0
import { hostPlatform } from '../../bundles/images/platform.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import type { StoredImage } from '../../bundles/images/store.ts'
import { openImage, openStorage, storageDirectory, type Storage } from '../../bundles/storage.ts'
import { type CommandInvocation, wantsJson } from './command.ts'
import { ageText, formatTable, sizeText } from './table.ts'

interface Row {
  readonly Repository: string
  readonly Tag: string
  readonly ID: string
  readonly Digest: string
  readonly CreatedSince: string
  readonly CreatedAt: string
  readonly Size: string
}

async function rowOf(storage: Storage, image: StoredImage, now: number, whole: boolean): Promise<Row> {
  const opened = await openImage(storage.images, image.descriptor, hostPlatform(), '').catch(() => undefined)
  const reference = image.name === undefined ? undefined : parseReference(image.name)
  const { tag, digest: _, ...repository } = reference ?? { registry: '', repository: '' }
  const id = opened?.id ?? image.descriptor.digest
  const bytes =
    opened === undefined
      ? 0
      : opened.manifest.layers.reduce((sum, layer) => sum + layer.size, opened.manifest.config.size)
  return {
    Repository: reference === undefined ? '<none>' : familiarText(repository),
    Tag: tag ?? '<none>',
    ID: whole ? id : id.slice(7, 19),
    Digest: image.descriptor.digest,
    CreatedSince: ageText(now - image.added),
    CreatedAt: new Date(image.added).toISOString(),
    Size: sizeText(bytes),
  }
}

/** `tsdock images` */
export async function runImages(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, storage: place } = invocation
  const json = wantsJson(invocation)
  const storage = await openStorage(storageDirectory(place))
  try {
    const [filter] = positionals
    const wanted = filter === undefined ? undefined : parseReference(filter)
    const images = (await storage.images.list()).filter((image) => {
      if (wanted === undefined) return image.name !== undefined || isSet('all')
      if (image.name === undefined) return false
      const exact = wanted.tag === undefined ? undefined : referenceText(withDefaultTag(wanted))
      return exact === undefined ? image.name.startsWith(`${referenceText(wanted)}:`) : image.name === exact
    })
    const newest = images.toSorted((a, b) => b.added - a.added)
    const now = Date.now()
    const rows = await Promise.all(newest.map((image) => rowOf(storage, image, now, isSet('no-trunc'))))
    if (isSet('quiet')) process.stdout.write([...new Set(rows.map(({ ID }) => `${ID}\n`))].join(''))
    else if (json) process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    else {
      const digest = isSet('digests')
      const head = ['REPOSITORY', 'TAG', ...(digest ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE']
      const body = rows.map((row) => [
        row.Repository,
        row.Tag,
        ...(digest ? [row.Digest] : []),
        row.ID,
        row.CreatedSince,
        row.Size,
      ])
      process.stdout.write(formatTable([head, ...body]))
    }
    return 0
  } finally {
    await storage.release()
  }
}
