// SPDX-License-Identifier: Apache-2.0
import { stateOf } from '../../bundles/build/image-state.ts'
import { diffImages } from '../../bundles/build/image-diff.ts'
import { DockError } from '../../bundles/error.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { findImage, openImage, openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'

/** `tsdock image diff A B`: exit status 1 when they differ. */
export async function runImageDiff({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const states = await Promise.all(
      positionals.map(async (name) => {
        const found = await findImage(storage.images, name)
        if (found === undefined) throw new DockError(`No such image: ${name}`)
        const { manifest, config } = await openImage(storage.images, found.descriptor, hostPlatform(), name)
        return { ...stateOf(manifest, config, undefined), run: config.config ?? {} }
      }),
    )
    const [before, after] = states
    if (before === undefined || after === undefined) throw new DockError('two images are needed')
    const lines = await diffImages(storage.stores, before, after, { times: isSet('times') })
    process.stdout.write(lines.map((line) => `${line}\n`).join(''))
    return lines.length === 0 ? 0 : 1
  } finally {
    await storage.release()
  }
}
