// SPDX-License-Identifier: Apache-2.0
import { checkBlobs, collectGarbage, removeLeftovers } from '../../bundles/images/garbage.ts'
import { openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'
import { sizeText } from './table.ts'

/** `tsdock fsck`: exit status 1 when something is wrong that it cannot mend. */
export async function runFsck({ storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place), 'exclusive')
  try {
    const left = await removeLeftovers(storage)
    for (const path of left) process.stdout.write(`removed ${path}, which a killed process had left\n`)
    const problems = await checkBlobs(storage)
    for (const problem of problems) process.stdout.write(`${problem}\n`)
    process.stdout.write(
      problems.length === 0
        ? 'The storage is in order.\n'
        : `${problems.length} problems: pull or build the images again.\n`,
    )
    return problems.length === 0 ? 0 : 1
  } finally {
    await storage.release()
  }
}

/** `tsdock prune` */
export async function runPrune({ isSet, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place), 'exclusive')
  try {
    const { removed, bytes } = await collectGarbage(storage, { all: isSet('all') })
    for (const what of removed) process.stdout.write(`deleted: ${what}\n`)
    process.stdout.write(`Total reclaimed space: ${sizeText(bytes)}\n`)
    return 0
  } finally {
    await storage.release()
  }
}
