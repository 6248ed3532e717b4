// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { chainIds } from '../../bundles/layers/chain.ts'
import { findImage, openImage, openStorage, storageDirectory, type Storage } from '../../bundles/storage.ts'
import { type CommandInvocation, wantsJson } from './command.ts'
import { ageText, formatTable, sizeText } from './table.ts'

/** `tsdock history` */
export async function runHistory({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const [name = ''] = positionals
    const found = await findImage(storage.images, name)
    if (found === undefined) throw new DockError(`No such image: ${name}`)
    const image = await openImage(storage.images, found.descriptor, hostPlatform(), name)
    const layers = [...image.manifest.layers]
    const rows = (image.config.history ?? []).map((entry) => {
      const layer = entry.empty_layer === true ? undefined : layers.shift()
      const text = (entry.created_by ?? '').replace(/\s+/g, ' ')
      return [
        '<missing>',
        ageText(Date.now() - Date.parse(entry.created ?? '')),
        isSet('no-trunc') || text.length <= 45 ? text : `${text.slice(0, 44)}…`,
        sizeText(layer?.size ?? 0),
        entry.comment ?? '',
      ]
    })
    rows.reverse()
    const [first] = rows
    if (first !== undefined) first[0] = isSet('no-trunc') ? image.id : image.id.slice(7, 19)
    if (isSet('quiet')) process.stdout.write(rows.map(([id]) => `${id}\n`).join(''))
    else process.stdout.write(formatTable([['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'], ...rows]))
    return 0
  } finally {
    await storage.release()
  }
}

/** What `inspect` shows of an image. Names as Docker's. */
async function describe(storage: Storage, text: string): Promise<object | undefined> {
  const found = await findImage(storage.images, text)
  if (found === undefined) return undefined
  const image = await openImage(storage.images, found.descriptor, hostPlatform(), text)
  const all = (await storage.images.list()).filter((one) => one.descriptor.digest === found.descriptor.digest)
  const tags = all.flatMap(({ name }) => (name === undefined ? [] : [familiarText(parseReference(name))]))
  const diffIds = image.config.rootfs.diff_ids
  const lower = chainIds(diffIds)
    .map((id) => storage.layers.path(id))
    .toReversed()
  return {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: tags.map((tag) => `${tag.replace(/:[^:/]*$/, '')}@${found.descriptor.digest}`),
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

/** `tsdock inspect` */
export async function runInspect(invocation: CommandInvocation): Promise<number> {
  const { positionals, storage: place } = invocation
  const json = wantsJson(invocation)
  const storage = await openStorage(storageDirectory(place))
  try {
    const found: object[] = []
    let status = 0
    for (const name of positionals) {
      const description = await describe(storage, name)
      if (description === undefined) {
        process.stderr.write(`tsdock: No such image: ${name}\n`)
        status = 1
      } else found.push(description)
    }
    if (json) process.stdout.write(found.map((one) => `${JSON.stringify(one)}\n`).join(''))
    else process.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`)
    return status
  } finally {
    await storage.release()
  }
}
