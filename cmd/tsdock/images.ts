// SPDX-License-Identifier: Apache-2.0
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { registryDigest } from '../../bundles/images/store.ts'
import { openStorage, storageDirectory } from '../../bundles/storage.ts'
import { type CommandInvocation, CommandUsageError } from './command.ts'
import { type ListedImage, listImages } from './image-filters.ts'
import { imageTree } from './image-tree.ts'
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
  VirtualSize: 'SIZE',
  Containers: 'CONTAINERS',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
} as const

type Row = Readonly<Record<keyof typeof headings, string>>

function rowOf({ image, opened }: ListedImage, now: number, whole: boolean): Row {
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
    Digest: (opened === undefined ? undefined : registryDigest(image, opened.manifest)) ?? '<none>',
    CreatedSince: ageText(now - image.added),
    CreatedAt: `${new Date(image.added).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
    Size: sizeText(bytes),
    VirtualSize: sizeText(bytes),
    // As docker's: `system df -v` tells.
    Containers: 'N/A',
    SharedSize: 'N/A',
    UniqueSize: 'N/A',
  }
}

/** Docker's words for what does not go together with --tree. */
function checkTree({ isGiven }: CommandInvocation): void {
  const other = ['quiet', 'no-trunc', 'digests', 'format'].find(isGiven)
  if (other !== undefined) throw new CommandUsageError(`--${other} is not yet supported with --tree`, undefined)
}

/** `tsdock images` */
export async function runImages(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, text, list, storage: place } = invocation
  if (isSet('tree')) checkTree(invocation)
  const storage = await openStorage(storageDirectory(place))
  try {
    const listed = await listImages(storage, list('filter'), positionals[0])
    if (isSet('tree')) {
      process.stdout.write(await imageTree(storage, listed))
      return 0
    }
    const now = Date.now()
    const rows = listed.map((one) => rowOf(one, now, isSet('no-trunc')))
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
