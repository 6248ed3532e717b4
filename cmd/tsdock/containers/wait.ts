// SPDX-License-Identifier: Apache-2.0
import { waitConditions, waitForContainer } from '../../../bundles/containers/wait.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { forEach } from './run.ts'

/** `tsdock wait` */
export async function runWait({ positionals, text, storage: place }: CommandInvocation): Promise<number> {
  const wanted = text('condition') ?? 'not-running'
  const condition = waitConditions.find((one) => one === wanted)
  if (condition === undefined) {
    throw new DockError(`invalid condition: "${wanted}" (there are: ${waitConditions.join(', ')})`)
  }
  const storage = await openStorage(storageDirectory(place))
  await storage.release()
  return forEach(positionals, async (name) => {
    process.stdout.write(`${await waitForContainer(storage, name, condition)}\n`)
  })
}
