// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import { findImage, openStorage, storageDirectory } from '../../bundles/storage.ts'
import type { CommandInvocation } from './command.ts'

/** `tsdock tag` */
export async function runTag({ positionals, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const [source = '', target = ''] = positionals
    const image = await findImage(storage.images, source)
    if (image === undefined) throw new DockError(`No such image: ${source}`)
    const reference = withDefaultTag(parseReference(target))
    if (reference.digest !== undefined) throw new DockError(`${target}: a name with a digest cannot be given`)
    await storage.images.tag(referenceText(reference), image.descriptor, image.added)
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock rmi`: what no name needs goes with the next `prune`, or here when the image has no name left. */
export async function runRmi({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  let status = 0
  try {
    for (const text of positionals) {
      const image = await findImage(storage.images, text)
      if (image === undefined) {
        if (!isSet('force')) {
          process.stderr.write(`tsdock: No such image: ${text}\n`)
          status = 1
        }
        continue
      }
      const byName = image.name !== undefined && image.name === nameOf(text)
      const same = (await storage.images.list()).filter((one) => one.descriptor.digest === image.descriptor.digest)
      if (!byName && same.length > 1 && !isSet('force')) {
        process.stderr.write(`tsdock: ${text}: the image has several names (use -f, or remove them by name)\n`)
        status = 1
        continue
      }
      const gone = byName ? [image] : same
      await storage.images.change((images) =>
        images.filter(
          (one) =>
            !gone.some(({ name, descriptor }) => one.name === name && one.descriptor.digest === descriptor.digest),
        ),
      )
      for (const { name } of gone)
        if (name !== undefined) process.stdout.write(`Untagged: ${familiarText(parseReference(name))}\n`)
      if (gone.length === same.length) process.stdout.write(`Deleted: ${image.descriptor.digest}\n`)
    }
    return status
  } finally {
    await storage.release()
  }
}

function nameOf(text: string): string | undefined {
  try {
    return referenceText(withDefaultTag(parseReference(text)))
  } catch {
    return undefined
  }
}
