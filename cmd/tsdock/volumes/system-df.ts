// SPDX-License-Identifier: Apache-2.0
import { type DiskUsage, diskUsage, isLive } from '../../../bundles/containers/usage.ts'
import { familiarText, parseReference } from '../../../bundles/images/reference.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import { statusText } from '../../../bundles/containers/list.ts'
import type { CommandInvocation } from '../command.ts'
import { ageText, ageWords, formatTable, sizeText } from '../table.ts'
import { printRows } from '../template/rows.ts'

const headings = {
  Type: 'TYPE',
  TotalCount: 'TOTAL',
  Active: 'ACTIVE',
  Size: 'SIZE',
  Reclaimable: 'RECLAIMABLE',
} as const

type Row = Readonly<Record<keyof typeof headings, string>>

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0)

function rowOf(type: string, count: number, active: number, size: number, reclaimable: number): Row {
  const share = size > 0 ? ` (${Math.floor((reclaimable * 100) / size)}%)` : ''
  return {
    Type: type,
    TotalCount: String(count),
    Active: String(active),
    Size: sizeText(size),
    Reclaimable: `${sizeText(reclaimable)}${share}`,
  }
}

function rowsOf({ images, containers, volumes, cache }: DiskUsage): readonly Row[] {
  const rest = containers.filter(({ container }) => !isLive(container))
  const unused = volumes.filter((volume) => volume.containers.length === 0)
  const sizes = (list: readonly { readonly size: number }[]): number => sum(list.map(({ size }) => size))
  const active = images.all.filter((image) => image.containers.length > 0).length
  return [
    rowOf('Images', images.all.length, active, images.size, images.reclaimable),
    rowOf('Containers', containers.length, containers.length - rest.length, sizes(containers), sizes(rest)),
    rowOf('Local Volumes', volumes.length, volumes.length - unused.length, sizes(volumes), sizes(unused)),
    { ...rowOf('Build Cache', cache.steps, 0, cache.size, cache.size), Reclaimable: sizeText(cache.size) },
  ]
}

function verbose({ images, containers, volumes, cache }: DiskUsage, now: number): string {
  const imageRows = images.all.map(({ image, size, shared, containers: users }) => {
    const reference = image.name === undefined ? undefined : parseReference(image.name)
    const { tag, digest: _, ...repository } = reference ?? { registry: '', repository: '' }
    return [
      reference === undefined ? '<none>' : familiarText(repository),
      tag ?? '<none>',
      image.descriptor.digest.slice(7, 19),
      ageText(now - image.added),
      sizeText(size),
      sizeText(shared),
      sizeText(size - shared),
      String(users.length),
    ]
  })
  const containerRows = containers.map(({ container, container: { record }, size }) => [
    record.id.slice(0, 12),
    record.config.Image,
    JSON.stringify(record.args.join(' ')).slice(0, 22),
    String(record.mounts.filter(({ Type }) => Type === 'volume').length),
    sizeText(size),
    ageText(now - Date.parse(record.created)),
    statusText(container, undefined, now, ageWords),
    record.name,
  ])
  const volumeRows = volumes.map(({ volume, size, containers: users }) => [
    volume.Name,
    String(users.length),
    sizeText(size),
  ])
  const imageHead = ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE', 'CONTAINERS']
  const containerHead = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'SIZE', 'CREATED', 'STATUS', 'NAMES']
  return [
    `Images space usage:\n\n${formatTable([imageHead, ...imageRows])}`,
    `Containers space usage:\n\n${formatTable([containerHead, ...containerRows])}`,
    `Local Volumes space usage:\n\n${formatTable([['VOLUME NAME', 'LINKS', 'SIZE'], ...volumeRows])}`,
    `Build cache usage: ${sizeText(cache.size)}\n`,
  ].join('\n')
}

/** `tsdock system df` */
export async function runSystemDf(invocation: CommandInvocation): Promise<number> {
  const format = invocation.text('format')
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const usage = await diskUsage(storage)
    if (!invocation.isSet('verbose'))
      printRows(format, { headings, columns: Object.keys(headings), rows: rowsOf(usage) })
    else process.stdout.write(format === 'json' ? `${JSON.stringify(usage)}\n` : verbose(usage, Date.now()))
    return 0
  } finally {
    await storage.release()
  }
}
