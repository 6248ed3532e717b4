// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { familiarText, parseReference, referenceText, withDefaultTag } from '../../bundles/images/reference.ts'
import { parsePlatform } from '../../bundles/dockerfile/platform.ts'
import { pull, type TransferProgress } from '../../bundles/registry/pull.ts'
import { push } from '../../bundles/registry/push.ts'
import { readRegistrySettings } from '../../bundles/registry/registry.ts'
import { findImage, openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { Platform } from '../../spec/image/documents.ts'
import type { CommandInvocation } from './command.ts'
import { sizeText } from './table.ts'

export function wantedPlatform(text: string | undefined): Platform {
  if (text === undefined) return hostPlatform()
  const { os, architecture, variant } = parsePlatform(text, hostPlatform())
  return { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) }
}

/** A line per blob; on a terminal, what is under way stands in the last line. */
function progressLine(verb: string): (progress: TransferProgress) => void {
  const live = process.stderr.isTTY === true
  return ({ event, digest, done, size }) => {
    const id = digest.slice(7, 19)
    const clear = live ? '\r\x1b[K' : ''
    if (event === 'done') process.stderr.write(`${clear}${id}: ${verb} complete (${sizeText(size)})\n`)
    else if (event === 'exists') process.stderr.write(`${clear}${id}: already there\n`)
    else if (live && event === 'bytes') process.stderr.write(`${clear}${id}: ${sizeText(done)} of ${sizeText(size)}`)
  }
}

export interface PullRequest {
  readonly platform: Platform
  readonly quiet: boolean
  readonly allPlatforms?: boolean
}

/** Fetches an image into the storage. Errors: DockError. */
export async function pullImage(storage: Storage, name: string, { platform, quiet, allPlatforms }: PullRequest) {
  const access = { settings: await readRegistrySettings() }
  return pull(storage.images, withDefaultTag(parseReference(name)), access, {
    platform,
    allPlatforms: allPlatforms === true,
    now: Date.now(),
    ...(quiet ? {} : { onProgress: progressLine('download') }),
  })
}

/** `tsdock pull` */
export async function runPull({ positionals, isSet, text, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const { name, descriptor, upToDate } = await pullImage(storage, positionals[0] ?? '', {
      platform: wantedPlatform(text('platform')),
      allPlatforms: isSet('all-platforms'),
      quiet: isSet('quiet'),
    })
    if (!isSet('quiet')) {
      const short = familiarText(parseReference(name))
      process.stdout.write(`Digest: ${descriptor.digest}\n`)
      process.stdout.write(`Status: ${upToDate ? 'Image is up to date' : 'Downloaded newer image'} for ${short}\n`)
    }
    process.stdout.write(`${name}\n`)
    return 0
  } finally {
    await storage.release()
  }
}

/** `tsdock push` */
export async function runPush({ positionals, isSet, storage: place }: CommandInvocation): Promise<number> {
  const storage = await openStorage(storageDirectory(place))
  try {
    const reference = withDefaultTag(parseReference(positionals[0] ?? ''))
    const image = await findImage(storage.images, referenceText(reference))
    if (image === undefined)
      throw new DockError(`an image does not exist locally with the tag: ${familiarText(reference)}`)
    const siblings = (await storage.images.list())
      .flatMap(({ name }) => (name === undefined ? [] : [parseReference(name)]))
      .filter(({ registry, repository }) => registry === reference.registry && repository !== reference.repository)
    const descriptor = await push(
      storage.images,
      reference,
      image.descriptor,
      { settings: await readRegistrySettings() },
      {
        mountFrom: [...new Set(siblings.map(({ repository }) => repository))],
        ...(isSet('quiet') ? {} : { onProgress: progressLine('upload') }),
      },
    )
    process.stdout.write(
      isSet('quiet')
        ? `${descriptor.digest}\n`
        : `${reference.tag}: digest: ${descriptor.digest} size: ${descriptor.size}\n`,
    )
    return 0
  } finally {
    await storage.release()
  }
}
