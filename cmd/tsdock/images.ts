// SPDX-License-Identifier: Apache-2.0
import { hostPlatform } from '../../bundles/images/platform.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import type { StoredImage } from '../../bundles/images/store.ts'
import { openImage, openStorage, storageDirectory, type Storage } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'
import { ageText, sizeText } from './table.ts'
import { printRows } from './template/rows.ts'

const headings = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
} as const

type Row = Readonly<Record<keyof typeof headings, string>>

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
  const { positionals, isSet, text, storage: place } = invocation
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
    if (isSet('quiet') && text('format') === undefined) {
      process.stdout.write([...new Set(rows.map(({ ID }) => `${ID}\n`))].join(''))
      return 0
    }
    const digest = isSet('digests') ? ['Digest'] : []
    const columns = ['Repository', 'Tag', ...digest, 'ID', 'CreatedSince', 'Size']
    printRows(text('format'), { headings, columns, rows })
    return 0
  } finally {
    await storage.release()
  }
}
