// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DockError } from '../../bundles/error.ts'
import { loadArchive, writeArchive, type ArchivedImage } from '../../bundles/images/archive.ts'
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { findImage, openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'

/** `tsdock save` */
export async function runSave({ positionals, text, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const wanted: ArchivedImage[] = []
    for (const name of positionals) {
      const image = await findImage(storage.images, name)
      if (image === undefined) throw new DockError(`No such image: ${name}`)
      wanted.push({ descriptor: image.descriptor, names: image.name === undefined ? [] : [image.name] })
    }
    const output = text('output')
    if (output === undefined && process.stdout.isTTY === true)
      throw new DockError('an archive is not for a terminal: use -o FILE, or redirect')
    await writeArchive(
      storage.images,
      wanted,
      output === undefined ? process.stdout : createWriteStream(output, { mode: 0o600 }),
    )
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock load` */
export async function runLoad({ text, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  const fromStdin = join(storage.stores.scratch, `load-${process.pid}`)
  try {
    let path = text('input')
    if (path === undefined) {
      await mkdir(storage.stores.scratch, { recursive: true, mode: 0o700 })
      await writeFile(fromStdin, process.stdin)
      path = fromStdin
    }
    for (const { names, descriptor } of await loadArchive(storage.images, path, Date.now())) {
      if (names.length === 0) process.stdout.write(`Loaded image ID: ${descriptor.digest}\n`)
      for (const name of names) process.stdout.write(`Loaded image: ${familiarText(parseReference(name))}\n`)
    }
    return 0
  } finally {
    await rm(fromStdin, { force: true })
    await storage.release()
  }
}
