// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises'
import { DockError, messageOf } from '../../bundles/error.ts'
import { blobsOf } from '../../bundles/images/archive.ts'
import { platformManifest } from '../../bundles/images/choose.ts'
import { platformText } from '../../bundles/images/platform.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import { containersOf } from '../../bundles/containers/prune.ts'
import { isLive } from '../../bundles/containers/usage.ts'
import type { StoredImage } from '../../bundles/images/store.ts'
import { findImage, openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { Platform } from '../../spec/image/documents.ts'
import type { CommandInvocation } from './command.ts'
import { wantedPlatform } from './platform-option.ts'

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

interface Removal {
  readonly text: string
  readonly image: StoredImage
  /** All entries of the image. */
  readonly same: readonly StoredImage[]
  /** It was named, and not its id. */
  readonly byName: boolean
  readonly force: boolean
}

/** Why an image cannot go, with Docker's words; undefined: it can. */
async function conflictOf(
  storage: Storage,
  { text, image, same, byName, force }: Removal,
): Promise<string | undefined> {
  if (byName && same.length > 1) return undefined
  const [user] = await containersOf(storage, image.descriptor)
  const short = image.descriptor.digest.slice(7, 19)
  if (!byName && same.length > 1 && !force) {
    return `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`
  }
  if (user === undefined) return undefined
  const id = user.record.id.slice(0, 12)
  if (byName) {
    return force
      ? undefined
      : `conflict: unable to remove repository reference "${text}" (must force) - container ${id} is using its referenced image ${short}`
  }
  if (isLive(user)) {
    return `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${id}`
  }
  return force
    ? undefined
    : `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${id}`
}

/** Takes names away. What a container has stays, without a name. */
async function removeNames(storage: Storage, { image, same, byName }: Removal): Promise<void> {
  const gone = byName ? [image] : same
  const isGone = (one: StoredImage): boolean =>
    gone.some(({ name, descriptor }) => one.name === name && one.descriptor.digest === descriptor.digest)
  const isUsed = (await containersOf(storage, image.descriptor)).length > 0
  await storage.images.change((images) => {
    const kept = images.filter((one) => !isGone(one))
    const last = !kept.some(({ descriptor }) => descriptor.digest === image.descriptor.digest)
    return last && isUsed ? [...kept, { ...image, name: undefined }] : kept
  })
  for (const { name } of gone)
    if (name !== undefined) process.stdout.write(`Untagged: ${familiarText(parseReference(name))}\n`)
  if (gone.length === same.length && !isUsed) process.stdout.write(`Deleted: ${image.descriptor.digest}\n`)
}

/** Takes one platform's image out of an index; its blobs go with the next `prune`. Errors: DockError. */
async function removePlatform(storage: Storage, image: StoredImage, platform: Platform, text: string): Promise<void> {
  const { images } = storage
  const chosen = await platformManifest(images, image.descriptor, platform, text)
  const short = chosen.digest.slice(7, 19)
  if (chosen.digest === image.descriptor.digest) {
    throw new DockError(
      `conflict: unable to delete ${short} - ${text} is an image for ${platformText(platform)} alone: remove it without --platform`,
    )
  }
  for (const one of await images.list()) {
    if (one.descriptor.digest === image.descriptor.digest) continue
    if (!(await blobsOf(images, one.descriptor)).some(({ digest }) => digest === chosen.digest)) continue
    const other = one.name === undefined ? one.descriptor.digest : familiarText(parseReference(one.name))
    throw new DockError(`conflict: unable to delete ${short} - ${other} has it, too`)
  }
  const [user] = await containersOf(storage, chosen)
  if (user !== undefined) {
    const id = user.record.id.slice(0, 12)
    throw new DockError(`conflict: unable to delete ${short} (cannot be forced) - container ${id} is using it`)
  }
  await rm(images.blobPath(chosen.digest))
  process.stdout.write(`Deleted: ${chosen.digest}\n`)
}

/** Returns why it cannot go; undefined: it has. */
async function removeOne(
  storage: Storage,
  text: string,
  { force, platforms }: { readonly force: boolean; readonly platforms: readonly Platform[] },
): Promise<string | undefined> {
  const image = await findImage(storage.images, text)
  if (image === undefined) return force ? undefined : `No such image: ${text}`
  try {
    for (const platform of platforms) await removePlatform(storage, image, platform, text)
  } catch (e: unknown) {
    return messageOf(e)
  }
  if (platforms.length > 0) return undefined
  const same = (await storage.images.list()).filter((one) => one.descriptor.digest === image.descriptor.digest)
  const removal = { text, image, same, byName: image.name !== undefined && image.name === nameOf(text), force }
  const conflict = await conflictOf(storage, removal)
  if (conflict === undefined) await removeNames(storage, removal)
  return conflict
}

/** `tsdock rmi`: what no name needs goes with the next `prune`, or here when the image has no name left. */
export async function runRmi({ positionals, isSet, list, storage: place }: CommandInvocation): Promise<number> {
  const platforms = list('platform').flatMap((text) => text.split(',').map(wantedPlatform))
  // A build that begins with an image must not lose it.
  const storage = await openStorage(storageDirectory(place), platforms.length === 0 ? 'shared' : 'exclusive')
  let status = 0
  try {
    for (const text of positionals) {
      const failure = await removeOne(storage, text, { force: isSet('force'), platforms })
      if (failure === undefined) continue
      process.stderr.write(`tsdock: ${failure}\n`)
      status = 1
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
