// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { stateOf } from '../../bundles/build/image-state.ts'
import { writeBundle } from '../../bundles/containers/write-bundle.ts'
import { DockError } from '../../bundles/error.ts'
import { findImage, openImage, openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'
import { wantedPlatform } from './transfer.ts'

/** `tsdock bundle` */
export async function runBundle({ positionals, text, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const [name = '', directory = '', ...command] = positionals
    const found = await findImage(storage.images, name)
    if (found === undefined) throw new DockError(`No such image: ${name} (try: tsdock pull ${name})`)
    const { manifest, config } = await openImage(
      storage.images,
      found.descriptor,
      wantedPlatform(text('platform')),
      name,
    )
    await writeBundle(storage.stores, {
      directory: resolve(directory),
      state: stateOf(manifest, config, undefined),
      config,
      host: storage.host,
      command,
      user: text('user'),
    })
    return 0
  } finally {
    await storage.release()
  }
}
