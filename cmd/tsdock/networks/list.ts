// SPDX-License-Identifier: Apache-2.0
import type { NetworkRecord } from '../../../bundles/networks/network.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { inspect } from '../inspect.ts'
import { printRows } from '../template/rows.ts'
import { listFilter } from './filters.ts'

const headings = {
  ID: 'NETWORK ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  Scope: 'SCOPE',
  IPv4: 'IPV4',
  IPv6: 'IPV6',
  Internal: 'INTERNAL',
  Labels: 'LABELS',
  CreatedAt: 'CREATED AT',
} as const

function rowOf(record: NetworkRecord, whole: boolean): Readonly<Record<string, string>> {
  return {
    CreatedAt: record.Created,
    Driver: record.Driver,
    ID: whole ? record.Id : record.Id.slice(0, 12),
    IPv4: 'true',
    IPv6: String(record.EnableIPv6),
    Internal: String(record.Internal),
    Labels: Object.entries(record.Labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Name: record.Name,
    Scope: 'local',
  }
}

/** `tsdock network ls` */
export async function runNetworkList(invocation: CommandInvocation): Promise<number> {
  const { list, isSet, text, storage: place } = invocation
  const accepts = listFilter(list('filter'))
  const storage = await openStorage(storageDirectory(place))
  try {
    const records = (await new Networks(storage).list()).filter(accepts)
    const rows = records.map((record) => rowOf(record, isSet('no-trunc')))
    if (isSet('quiet')) process.stdout.write(rows.map(({ ID }) => `${ID}\n`).join(''))
    else printRows(text('format'), { headings, columns: ['ID', 'Name', 'Driver', 'Scope'], rows })
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock network inspect` */
export const runNetworkInspect = (invocation: CommandInvocation): Promise<number> =>
  inspect(invocation, ['network'], 'network')
