// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import { openPlatform } from '../../bundles/images/choose.ts'
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { registryDigest, type StoredImage } from '../../bundles/images/store.ts'
import { chainIds } from '../../bundles/layers/chain.ts'
import { findImage, openStorage, storageDirectory, type Storage } from '../../bundles/storage.ts'
import type { Manifest, Platform } from '../../spec/image/documents.ts'
import type { CommandInvocation } from './command.ts'
import { ageText, sizeText } from './table.ts'
import { printRows } from './template/rows.ts'
import { givenPlatform } from './platform-option.ts'

const historyHeadings = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
} as const

/** `tsdock history` */
export async function runHistory(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, isGiven, text: option, storage: place } = invocation
  const human = isSet('human') || !isGiven('human')
  const storage = await openStorage(storageDirectory(place))
  try {
    const [name = ''] = positionals
    const found = await findImage(storage.images, name)
    if (found === undefined) throw new DockError(`No such image: ${name}`)
    const image = await openPlatform(storage.images, found.descriptor, givenPlatform(option('platform')), name)
    const layers = [...image.manifest.layers]
    const rows = (image.config.history ?? []).map((entry) => {
      const layer = entry.empty_layer === true ? undefined : layers.shift()
      const text = (entry.created_by ?? '').replace(/\s+/g, ' ')
      return {
        ID: '<missing>',
        CreatedSince: human ? ageText(Date.now() - Date.parse(entry.created ?? '')) : (entry.created ?? ''),
        CreatedAt: entry.created ?? '',
        CreatedBy: isSet('no-trunc') || text.length <= 45 ? text : `${text.slice(0, 44)}…`,
        Size: human ? sizeText(layer?.size ?? 0) : String(layer?.size ?? 0),
        Comment: entry.comment ?? '',
      }
    })
    rows.reverse()
    const [first] = rows
    if (first !== undefined) first.ID = isSet('no-trunc') ? image.id : image.id.slice(7, 19)
    const columns = ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment']
    if (isSet('quiet')) process.stdout.write(rows.map(({ ID }) => `${ID}\n`).join(''))
    else printRows(option('format'), { headings: historyHeadings, columns, rows })
    return 0
  } finally {
    await storage.release()
  }
}

/** `repository@digest` for each registry that has it. */
function repoDigests(all: readonly StoredImage[], manifest: Manifest): readonly string[] {
  const texts = all.flatMap((image) => {
    const digest = registryDigest(image, manifest)
    if (image.name === undefined || digest === undefined) return []
    const { tag: _, digest: __, ...repository } = parseReference(image.name)
    return [`${familiarText(repository)}@${digest}`]
  })
  return [...new Set(texts)]
}

/** What `inspect` shows of an image. Names as Docker's. */
export async function describeImage(storage: Storage, text: string, platform?: Platform): Promise<object | undefined> {
  const found = await findImage(storage.images, text)
  if (found === undefined) return undefined
  const image = await openPlatform(storage.images, found.descriptor, platform, text)
  const all = (await storage.images.list()).filter((one) => one.descriptor.digest === found.descriptor.digest)
  const tags = all.flatMap(({ name }) => (name === undefined ? [] : [familiarText(parseReference(name))]))
  const diffIds = image.config.rootfs.diff_ids
  const lower = chainIds(diffIds)
    .map((id) => storage.layers.path(id))
    .toReversed()
  return {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: repoDigests(all, image.manifest),
    Created: image.config.created ?? '',
    Author: image.config.author ?? '',
    Architecture: image.config.architecture,
    Variant: image.config.variant ?? '',
    Os: image.config.os,
    Size: image.manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
    Config: image.config.config ?? {},
    GraphDriver: { Name: 'overlay2', Data: { UpperDir: lower[0] ?? '', LowerDir: lower.slice(1).join(':') } },
    RootFS: { Type: 'layers', Layers: diffIds },
    Metadata: { LastTagTime: new Date(found.added).toISOString() },
    Descriptor: found.descriptor,
  }
}
