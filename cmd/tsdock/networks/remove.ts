// SPDX-License-Identifier: Apache-2.0
import { DockError, messageOf } from '../../../bundles/error.ts'
import { type NetworkRecord, predefined } from '../../../bundles/networks/network.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { isConfirmed } from '../confirm.ts'
import { compileFilters, momentOf } from '../filters.ts'
import { hasLabel } from '../../../bundles/labels.ts'

/** `tsdock network rm` */
export async function runNetworkRemove({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const networks = new Networks(storage)
    let status = 0
    for (const name of positionals) {
      try {
        await networks.remove(await networks.find(name))
        process.stdout.write(`${name}\n`)
      } catch (e: unknown) {
        const isMissing = e instanceof DockError && / not found$/.test(e.message)
        if (isMissing && isSet('force')) continue
        process.stderr.write(`tsdock: ${messageOf(e)}\n`)
        status = 1
      }
    }
    return status
  } finally {
    await storage.release()
  }
}

/** `tsdock network prune` */
export async function runNetworkPrune({ list, isSet, storage: place }: CommandInvocation): Promise<number> {
  const accepts = compileFilters<NetworkRecord>(list('filter'), {
    'label': ({ Labels }, value) => hasLabel(Labels, value),
    'label!': ({ Labels }, value) => !hasLabel(Labels, value),
    'until': ({ Created }, value) => Date.parse(Created) <= momentOf(value),
  })
  const warning = 'WARNING! This will remove all custom networks not used by at least one container.'
  if (!isSet('force') && !(await isConfirmed(warning))) return 1
  const storage = await openStorage(storageDirectory(place))
  try {
    const networks = new Networks(storage)
    const removed = await networks.prune((record) => !predefined.includes(record.Name) && accepts(record))
    if (removed.length > 0) process.stdout.write(`Deleted Networks:\n${removed.map((name) => `${name}\n`).join('')}\n`)
    return 0
  } finally {
    await storage.release()
  }
}
