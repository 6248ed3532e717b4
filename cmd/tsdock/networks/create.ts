// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../../bundles/error.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

/** `K=V`, or `K`. */
function pairs(list: readonly string[], what: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.map((text) => {
      const [key = '', value = ''] = text.split(/=(.*)/s, 2)
      if (key === '') throw new DockError(`invalid ${what} ${JSON.stringify(text)}: it has no name`)
      return [key, value]
    }),
  )
}

/** `tsdock network create` */
export async function runNetworkCreate({
  positionals,
  text,
  list,
  isSet,
  isGiven,
  storage: place,
}: CommandInvocation): Promise<number> {
  const [name = ''] = positionals
  for (const [flag, value] of [
    ['ipam-driver', 'default'],
    ['scope', 'local'],
  ] as const) {
    const given = text(flag) ?? value
    if (given !== value) throw new DockError(`invalid argument "${given}" for --${flag}: there is "${value}" alone`)
  }
  if (isGiven('ipv4') && !isSet('ipv4')) throw new DockError('--ipv4=false: networks without IPv4 are not made here')
  const storage = await openStorage(storageDirectory(place))
  try {
    const record = await new Networks(storage).create({
      name,
      driver: text('driver') ?? 'bridge',
      internal: isSet('internal'),
      ipv6: isSet('ipv6'),
      options: pairs(list('opt'), 'option'),
      labels: pairs(list('label'), 'label'),
      subnets: list('subnet'),
      gateways: list('gateway'),
      ranges: list('ip-range'),
    })
    process.stdout.write(`${record.Id}\n`)
    return 0
  } finally {
    await storage.release()
  }
}
