// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DockError } from '../../bundles/error.ts'
import { loadArchive, writeArchive, type ArchivedImage } from '../../bundles/images/archive.ts'
import { platformManifest } from '../../bundles/images/choose.ts'
import { familiarText, looksLikeId, parseReference } from '../../bundles/images/reference.ts'
import type { StoredImage } from '../../bundles/images/store.ts'
import { findImage, openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { Descriptor, Platform } from '../../spec/image/documents.ts'
import type { CommandInvocation } from './command.ts'
import { givenPlatform } from './platform-option.ts'

/** All that a name stands for: a repository without a tag means all of its tags, as docker has it. */
async function imagesOf(storage: Storage, text: string): Promise<readonly StoredImage[]> {
  const all = await storage.images.list()
  if (!looksLikeId(text)) {
    const { registry, repository, tag, digest } = parseReference(text)
    const tagged = all.filter(({ name }) => {
      if (name === undefined || tag !== undefined || digest !== undefined) return false
      const one = parseReference(name)
      return one.registry === registry && one.repository === repository && one.tag !== undefined
    })
    if (tagged.length > 0) return tagged
  }
  const image = await findImage(storage.images, text)
  if (image === undefined) throw new DockError(`No such image: ${text}`)
  // Who names an id gets no names.
  const byId = looksLikeId(text) && image.name !== `docker.io/library/${text}:latest`
  return [byId ? { ...image, name: undefined } : image]
}

/** Images with all names that were asked for, each once. */
async function archived(
  storage: Storage,
  texts: readonly string[],
  platform: Platform | undefined,
): Promise<readonly ArchivedImage[]> {
  const wanted = new Map<string, { readonly descriptor: Descriptor; readonly names: Set<string> }>()
  for (const text of texts) {
    for (const { descriptor: whole, name } of await imagesOf(storage, text)) {
      const descriptor = platform === undefined ? whole : await platformManifest(storage.images, whole, platform, text)
      const known = wanted.get(descriptor.digest) ?? { descriptor, names: new Set() }
      wanted.set(descriptor.digest, known)
      if (name !== undefined) known.names.add(name)
    }
  }
  return [...wanted.values()].map(({ descriptor, names }) => ({ descriptor, names: [...names] }))
}

/** `tsdock save` */
export async function runSave({ positionals, text, storage: place }: CommandInvocation): Promise<number> {
  const platform = givenPlatform(text('platform'))
  const storage = await openStorage(storageDirectory(place))
  try {
    const wanted = await archived(storage, positionals, platform)
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
  const platform = givenPlatform(text('platform'))
  const storage = await openStorage(storageDirectory(place))
  const fromStdin = join(storage.stores.scratch, `load-${process.pid}`)
  try {
    let path = text('input')
    if (path === undefined) {
      await mkdir(storage.stores.scratch, { recursive: true, mode: 0o700 })
      await writeFile(fromStdin, process.stdin)
      path = fromStdin
    }
    for (const { names, descriptor } of await loadArchive(storage.images, path, { now: Date.now(), platform })) {
      if (names.length === 0) process.stdout.write(`Loaded image ID: ${descriptor.digest}\n`)
      for (const name of names) process.stdout.write(`Loaded image: ${familiarText(parseReference(name))}\n`)
    }
    return 0
  } finally {
    await rm(fromStdin, { force: true })
    await storage.release()
  }
}
