// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../../bundles/error.ts'
import { type NetworkRecord, predefined } from '../../../bundles/networks/network.ts'
import type { NetworkReport } from '../../../bundles/networks/network-report.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { compileFilters, isTrue } from '../filters.ts'
import { hasLabel } from '../../../bundles/labels.ts'
import { printRows } from '../template/rows.ts'
import { compileTemplate } from '../template/template.ts'

const headings = {
  CreatedAt: 'CREATED AT',
  Driver: 'DRIVER',
  ID: 'NETWORK ID',
  IPv4: 'IPV4',
  IPv6: 'IPV6',
  Internal: 'INTERNAL',
  Labels: 'LABELS',
  Name: 'NAME',
  Scope: 'SCOPE',
} as const

/** 2026-11-25 08:15:00.123 +0000 UTC */
const timeText = (iso: string): string => `${iso.replace('T', ' ').replace('Z', '')} +0000 UTC`

const rowOf = (record: NetworkRecord, whole: boolean): Readonly<Record<keyof typeof headings, string>> => ({
  CreatedAt: timeText(record.Created),
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
})

interface Listed {
  readonly record: NetworkRecord
  readonly used: boolean
}

/** `tsdock network ls` */
export async function runNetworkList({ list, isSet, text, storage: place }: CommandInvocation): Promise<number> {
  const filters = list('filter')
  const accepts = compileFilters<Listed>(filters, {
    dangling: ({ record, used }, value) => (used || predefined.includes(record.Name)) !== isTrue('dangling', value),
    driver: ({ record }, value) => record.Driver === value,
    id: ({ record }, value) => record.Id.startsWith(value),
    label: ({ record }, value) => hasLabel(record.Labels, value),
    name: ({ record }, value) => record.Name.includes(value),
    scope: (_, value) => value === 'local',
    type: ({ record }, value) => predefined.includes(record.Name) === (value === 'builtin'),
  })
  const storage = await openStorage(storageDirectory(place))
  try {
    const networks = new Networks(storage)
    const all = await Promise.all(
      (await networks.list()).map(
        async (record): Promise<Listed> => ({ record, used: (await networks.endpoints(record)).length > 0 }),
      ),
    )
    const rows = all.filter(accepts).map(({ record }) => rowOf(record, isSet('no-trunc')))
    if (isSet('quiet') && text('format') === undefined) process.stdout.write(rows.map(({ ID }) => `${ID}\n`).join(''))
    else printRows(text('format'), { headings, columns: ['ID', 'Name', 'Driver', 'Scope'], rows })
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock network inspect` */
export async function runNetworkInspect({ positionals, text, storage: place }: CommandInvocation): Promise<number> {
  const format = text('format')
  const print = format === undefined || format === 'json' ? undefined : compileTemplate(format)
  const storage = await openStorage(storageDirectory(place))
  try {
    const networks = new Networks(storage)
    const found: NetworkReport[] = []
    const failures: string[] = []
    for (const name of positionals) {
      await networks.inspect(name).then(
        (report) => found.push(report),
        (e: unknown) => failures.push(messageOf(e)),
      )
    }
    if (print !== undefined) process.stdout.write(found.map((one) => `${print(one)}\n`).join(''))
    else process.stdout.write(`${JSON.stringify(found, undefined, format === 'json' ? undefined : 4)}\n`)
    for (const failure of failures) process.stderr.write(`tsdock: ${failure}\n`)
    return failures.length === 0 ? 0 : 1
  } finally {
    await storage.release()
  }
}
