// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline/promises'
import { DockError, messageOf } from '../../../bundles/error.ts'
import { predefined } from '../../../bundles/networks/network.ts'
import { Networks } from '../../../bundles/networks/networks.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { pruneFilter } from './filters.ts'

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

async function isConfirmed(): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    process.stdout.write('WARNING! This will remove all custom networks not used by at least one container.\n')
    // Without an answer the process would end in the middle.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    return /^y(es)?$/i.test(
      (await Promise.race([lines.question('Are you sure you want to continue? [y/N] '), closed])).trim(),
    )
  } finally {
    lines.close()
  }
}

/** `tsdock network prune` */
export async function runNetworkPrune({ list, isSet, storage: place }: CommandInvocation): Promise<number> {
  const accepts = pruneFilter(list('filter'))
  if (!isSet('force') && !(await isConfirmed())) return 0
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
