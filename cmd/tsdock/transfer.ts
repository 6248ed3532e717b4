// SPDX-License-Identifier: Apache-2.0
import { DockError } from '../../bundles/error.ts'
import { platformManifest } from '../../bundles/images/choose.ts'
import {
  familiarText,
  parseReference,
  type Reference,
  referenceText,
  withDefaultTag,
} from '../../bundles/images/reference.ts'
import { pull, type TransferProgress } from '../../bundles/registry/pull.ts'
import { push } from '../../bundles/registry/push.ts'
import { clientsFor, readRegistrySettings } from '../../bundles/registry/registry.ts'
import { findImage, openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { Descriptor, Platform } from '../../spec/image/documents.ts'
import type { CommandInvocation } from './command.ts'
import { checkContentTrust } from './content-trust.ts'
import { givenPlatform, wantedPlatform } from './platform-option.ts'
import { sizeText } from './table.ts'

export { wantedPlatform } from './platform-option.ts'

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

/** A repository for --all-tags. Errors: DockError: a tag was named. */
function wholeRepository(text: string): Reference {
  const reference = parseReference(text)
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw new DockError("tag can't be used with --all-tags/-a")
  return reference
}

/** Names of what is to be fetched. Errors: DockError. */
async function namesToPull(text: string, all: boolean): Promise<readonly string[]> {
  if (!all) return [text]
  const repository = wholeRepository(text)
  const client = clientsFor(repository, { settings: await readRegistrySettings() }).at(-1)
  const tags = (await client?.tags()) ?? []
  if (tags.length === 0) throw new DockError(`${familiarText(repository)}: no tags in the registry`)
  return tags.toSorted().map((tag) => referenceText({ ...repository, tag }))
}

/** `tsdock pull` */
export async function runPull(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, text, storage: place } = invocation
  checkContentTrust(invocation)
  const request = {
    platform: wantedPlatform(text('platform')),
    allPlatforms: isSet('all-platforms'),
    quiet: isSet('quiet'),
  }
  const storage = await openStorage(storageDirectory(place))
  try {
    for (const wanted of await namesToPull(positionals[0] ?? '', isSet('all-tags'))) {
      const { name, descriptor, upToDate } = await pullImage(storage, wanted, request)
      if (!request.quiet) {
        const short = familiarText(parseReference(name))
        process.stdout.write(`Digest: ${descriptor.digest}\n`)
        process.stdout.write(`Status: ${upToDate ? 'Image is up to date' : 'Downloaded newer image'} for ${short}\n`)
      }
      process.stdout.write(`${name}\n`)
    }
    return 0
  } finally {
    await storage.release()
  }
}

/** Images that are to be sent. Errors: DockError. */
async function imagesToPush(storage: Storage, text: string, all: boolean): Promise<readonly Reference[]> {
  const reference = all ? wholeRepository(text) : withDefaultTag(parseReference(text))
  const absent = (): never => {
    throw new DockError(`an image does not exist locally with the tag: ${familiarText(reference)}`)
  }
  if (!all) return (await findImage(storage.images, referenceText(reference))) === undefined ? absent() : [reference]
  const tagged = (await storage.images.list())
    .flatMap(({ name }) => (name === undefined ? [] : [parseReference(name)]))
    .filter((one) => one.registry === reference.registry && one.repository === reference.repository)
    .filter(({ tag }) => tag !== undefined)
  return tagged.length === 0 ? absent() : tagged
}

/** Repositories of the same registry, which may have blobs already. */
async function siblingsOf(storage: Storage, { registry, repository }: Reference): Promise<readonly string[]> {
  const all = (await storage.images.list()).flatMap(({ name }) => (name === undefined ? [] : [parseReference(name)]))
  const others = all.filter((one) => one.registry === registry && one.repository !== repository)
  return [...new Set(others.map((one) => one.repository))]
}

/** Sends an image to the registry of a name. Returns the manifest that the name stands for there. Errors: DockError. */
export async function pushImage(
  storage: Storage,
  reference: Reference,
  descriptor: Descriptor,
  { quiet }: { readonly quiet: boolean },
): Promise<Descriptor> {
  const access = { settings: await readRegistrySettings() }
  const sent = await push(storage.images, reference, descriptor, access, {
    mountFrom: await siblingsOf(storage, reference),
    ...(quiet ? {} : { onProgress: progressLine('upload') }),
  })
  await storage.images.notePushed(referenceText(reference), descriptor, sent.digest)
  return sent
}

/** `tsdock push` */
export async function runPush(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, text, storage: place } = invocation
  checkContentTrust(invocation)
  const platform = givenPlatform(text('platform'))
  const storage = await openStorage(storageDirectory(place))
  try {
    for (const reference of await imagesToPush(storage, positionals[0] ?? '', isSet('all-tags'))) {
      const image = await findImage(storage.images, referenceText(reference))
      if (image === undefined) continue
      const { descriptor: whole } = image
      const chosen =
        platform === undefined
          ? whole
          : await platformManifest(storage.images, whole, platform, familiarText(reference))
      const sent = await pushImage(storage, reference, chosen, { quiet: isSet('quiet') })
      process.stdout.write(
        isSet('quiet') ? `${sent.digest}\n` : `${reference.tag}: digest: ${sent.digest} size: ${sent.size}\n`,
      )
    }
    return 0
  } finally {
    await storage.release()
  }
}
