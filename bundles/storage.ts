// SPDX-License-Identifier: Apache-2.0
// Where tsdock keeps what it knows: one directory per user, no daemon, no database.

import { mkdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildCache } from './build/cache.ts'
import type { Stores } from './build/snapshot.ts'
import { DockError } from './error.ts'
import type { HostFacts } from './containers/container-spec.ts'
import { ContainerStore } from './containers/container-store.ts'
import { lock } from './host/lock.ts'
import { isInUserNamespace } from './host/namespaces.ts'
import { runtimeDirectoryOf } from './host/places.ts'
import type { Descriptor, Platform } from '../spec/image/documents.ts'
import { choosePlatform, hostPlatform } from './images/platform.ts'
import { looksLikeId, parseReference, referenceText, withDefaultTag } from './images/reference.ts'
import { ImageStore, type OpenImage, type StoredImage } from './images/store.ts'
import { LayerStore } from './layers/unpacked.ts'
import { CAPABILITIES } from '../spec/capability.ts'
import { Volumes } from './volumes/volumes.ts'

export { runtimeDirectoryOf, storageDirectory } from './host/places.ts'

export interface Storage {
  readonly directory: string
  readonly images: ImageStore
  readonly layers: LayerStore
  readonly cache: BuildCache
  readonly containers: ContainerStore
  readonly volumes: Volumes
  /** For what does not outlive the machine's run: state of the runtime (`state`), network namespaces (`netns`, `network`). */
  readonly runtimeDirectory: string
  readonly stores: Stores
  readonly host: HostFacts
  /** Held (shared) by all who use the storage; garbage collection waits for them. */
  release(): Promise<void>
}

/** The highest group id of this user namespace. */
async function lastGid(): Promise<number> {
  const lines = (await readFile('/proc/self/gid_map', 'utf8')).trim().split('\n')
  return Math.max(
    ...lines.map((line) => {
      const [first = 0, , count = 1] = line.trim().split(/\s+/).map(Number)
      return first + count - 1
    }),
  )
}

/** The user has a systemd, which may make cgroups for the user. */
const hasUserManager = (env: NodeJS.ProcessEnv = process.env): Promise<boolean> =>
  stat(join(env['XDG_RUNTIME_DIR'] ?? '/nonexistent', 'systemd/private')).then(
    () => true,
    () => false,
  )

/** What containers are told of the host. */
export async function hostFacts(): Promise<HostFacts> {
  const unified = await stat('/sys/fs/cgroup/cgroup.controllers').then(
    () => true,
    () => false,
  )
  const last = Number(await readFile('/proc/sys/kernel/cap_last_cap', 'utf8').catch(() => '40'))
  const rootless = isInUserNamespace()
    ? { lastGid: await lastGid(), systemd: unified && (await hasUserManager()) }
    : undefined
  return { unified, allCapabilities: CAPABILITIES.slice(0, last + 1), rootless }
}

/** Opens the storage, making it when it is not there. use: `exclusive` for what removes things. */
export async function openStorage(given: string, use: 'shared' | 'exclusive' = 'shared'): Promise<Storage> {
  await mkdir(given, { recursive: true, mode: 0o700 }).catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`${given}: ${e.code}: the storage cannot be made there (try: --storage DIR, or TSDOCK_ROOT)`)
  })
  // As the kernel names it where something is mounted in it.
  const directory = await realpath(given)
  const held = await lock(join(directory, 'lock'), use)
  const images = await ImageStore.open(join(directory, 'images'))
  const layers = new LayerStore(join(directory, 'layers'))
  const files = { unprivileged: isInUserNamespace() }
  const containers = new ContainerStore(directory)
  return {
    directory,
    images,
    layers,
    cache: new BuildCache(join(directory, 'cache')),
    containers,
    volumes: new Volumes(directory, containers),
    runtimeDirectory: runtimeDirectoryOf(directory),
    stores: { images, layers, scratch: join(directory, 'scratch'), files },
    host: await hostFacts(),
    release: () => held.release(),
  }
}

/** The image that a user means: a name, or the id of its configuration or manifest, or the start of one. */
export async function findImage(images: ImageStore, text: string): Promise<StoredImage | undefined> {
  const all = await images.list()
  let named: StoredImage | undefined
  try {
    const reference = withDefaultTag(parseReference(text))
    const { tag: _, ...byDigest } = reference
    const name = referenceText(reference.digest === undefined ? reference : byDigest)
    named = all.find((image) => image.name === name)
    if (named === undefined && reference.digest !== undefined) {
      named = all.find((image) => image.descriptor.digest === reference.digest)
    }
  } catch (e: unknown) {
    if (!looksLikeId(text)) throw e
  }
  if (named !== undefined || !looksLikeId(text)) return named
  const start = text.replace(/^sha256:/, '')
  const matches: StoredImage[] = []
  for (const image of all) {
    const ids = [image.descriptor.digest, await configDigest(images, image.descriptor)]
    if (ids.some((id) => id?.slice(7).startsWith(start))) matches.push(image)
  }
  const different = new Set(matches.map((image) => image.descriptor.digest))
  if (different.size > 1) throw new DockError(`the id ${text} stands for several images`)
  return matches[0]
}

async function configDigest(images: ImageStore, descriptor: Descriptor): Promise<string | undefined> {
  return openImage(images, descriptor, hostPlatform(), '').then(
    (image) => image.id,
    () => undefined,
  )
}

/** Errors: DockError. */
export function openImage(
  images: ImageStore,
  descriptor: Descriptor,
  platform: Platform,
  name: string,
): Promise<OpenImage> {
  return images.open(descriptor, (index) => choosePlatform(index, platform, name))
}
