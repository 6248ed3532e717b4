// SPDX-License-Identifier: Apache-2.0
// `--platform` for images that are here.

import { type Descriptor, isIndexType, type Platform } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { choosePlatform, hostPlatform, platformText, suits } from './platform.ts'
import { type ImageStore, type OpenImage, parseIndex } from './store.ts'

/** The image of an index for a platform, or the one that it is when that is for it. Errors: DockError: it is not here. */
export async function platformManifest(
  images: ImageStore,
  descriptor: Descriptor,
  wanted: Platform,
  name: string,
): Promise<Descriptor> {
  const absent = (): never => {
    throw new DockError(
      `image with reference ${name} was found but does not provide the specified platform (${platformText(wanted)})`,
    )
  }
  if (!isIndexType(descriptor.mediaType)) {
    const { config } = await images.open(descriptor, absent)
    return suits(wanted, config) ? descriptor : absent()
  }
  const index = parseIndex(await images.readDocument(descriptor), descriptor.digest)
  const offered = index.manifests.some(({ platform }) => platform !== undefined && suits(wanted, platform))
  const chosen = offered ? choosePlatform(index, wanted, name) : absent()
  return (await images.hasBlob(chosen.digest)) ? chosen : absent()
}

/** What is here for a platform; undefined: for this machine, or whatever the image is for. Errors: DockError. */
export async function openPlatform(
  images: ImageStore,
  descriptor: Descriptor,
  wanted: Platform | undefined,
  name: string,
): Promise<OpenImage> {
  const chosen = wanted === undefined ? descriptor : await platformManifest(images, descriptor, wanted, name)
  return images.open(chosen, (index) => choosePlatform(index, wanted ?? hostPlatform(), name))
}

/** An image that is here: for this machine when there is one, else the first. Undefined: there is none at all. */
export async function presentManifest(images: ImageStore, descriptor: Descriptor): Promise<Descriptor | undefined> {
  if (!isIndexType(descriptor.mediaType)) return (await images.hasBlob(descriptor.digest)) ? descriptor : undefined
  const { manifests } = parseIndex(await images.readDocument(descriptor), descriptor.digest)
  const here: Descriptor[] = []
  for (const one of manifests) if (await images.hasBlob(one.digest)) here.push(one)
  return here.find(({ platform }) => platform !== undefined && suits(hostPlatform(), platform)) ?? here[0]
}
