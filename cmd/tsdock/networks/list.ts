// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../../bundles/error.ts'
import type { NetworkRecord } from '../../../bundles/networks/network.ts'
import type { NetworkReport } from '../../../bundles/networks/network-report.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import { type CommandInvocation, wantsJson } from '../command.ts'
import { formatTable } from '../table.ts'
import { listFilter } from './filters.ts'

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
  const { list, isSet, storage: place } = invocation
  const json = wantsJson(invocation)
  const accepts = listFilter(list('filter'))
  const storage = await openStorage(storageDirectory(place))
  try {
    const records = (await new Networks(storage).list()).filter(accepts)
    const rows = records.map((record) => rowOf(record, isSet('no-trunc')))
    if (isSet('quiet')) process.stdout.write(rows.map(({ ID }) => `${ID}\n`).join(''))
    else if (json) process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    else {
      const cells = rows.map(({ ID = '', Name = '', Driver = '', Scope = '' }) => [ID, Name, Driver, Scope])
      process.stdout.write(formatTable([['NETWORK ID', 'NAME', 'DRIVER', 'SCOPE'], ...cells]))
    }
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock network inspect` */
export async function runNetworkInspect(invocation: CommandInvocation): Promise<number> {
  const json = wantsJson(invocation)
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const networks = new Networks(storage)
    const found: NetworkReport[] = []
    let status = 0
    for (const name of invocation.positionals) {
      try {
        found.push(await networks.inspect(name))
      } catch (e: unknown) {
        process.stderr.write(`tsdock: ${messageOf(e)}\n`)
        status = 1
      }
    }
    process.stdout.write(`${json ? JSON.stringify(found) : JSON.stringify(found, undefined, 4)}\n`)
    return status
  } finally {
    await storage.release()
  }
}
