// SPDX-License-Identifier: Apache-2.0
// --cache-from and --cache-to.

import { resolve } from 'node:path'
import type { BuiltImage } from '../../bundles/build/build.ts'
import { exportLocal, exportRegistry, type Steps } from '../../bundles/build/cache-export.ts'
import {
  type CachePlace,
  type CacheSource,
  forgiving,
  localPlace,
  registryPlace,
  sourceOf,
  storedPlace,
} from '../../bundles/build/cache-sources.ts'
import { DockError, messageOf } from '../../bundles/error.ts'
import { parseReference, type Reference } from '../../bundles/images/reference.ts'
import type { RegistryAccess } from '../../bundles/registry/registry.ts'
import { findImage, type Storage } from '../../bundles/storage.ts'
import type { Platform } from '../../spec/image/documents.ts'
import { fieldsOf } from './build-options.ts'

type Fields = ReadonlyMap<string, string>

/** What is known of each type. A type that is missing here is refused, never left out in silence. */
const fromKeys: Readonly<Record<string, readonly string[]>> = { registry: ['ref'], local: ['src', 'tag'] }
const toKeys: Readonly<Record<string, readonly string[]>> = {
  registry: ['ref', 'mode', 'ignore-error'],
  local: ['dest', 'mode', 'tag', 'ignore-error'],
  inline: [],
}

/** Errors: DockError, for what is unknown or missing. */
function parse(flag: string, text: string, known: Readonly<Record<string, readonly string[]>>): Fields {
  const wrong = (why: string): never => {
    throw new DockError(`--${flag} ${text}: ${why}`, { exitCode: 125 })
  }
  const fields = fieldsOf(text)
  const type = fields.get('type') ?? ''
  if (!Object.hasOwn(known, type)) return wrong(`there are the types ${Object.keys(known).join(', ')}`)
  const keys = known[type] ?? []
  const other = [...fields.keys()].find((key) => key !== 'type' && !keys.includes(key))
  if (other !== undefined) wrong(`type=${type} knows no ${other} (there are: ${['type', ...keys].join(', ')})`)
  const [place] = keys
  if (place !== undefined && (fields.get(place) ?? '') === '') wrong(`${place}= is missing`)
  const mode = fields.get('mode') ?? 'min'
  if (mode !== 'min' && mode !== 'max') wrong(`the mode is min or max`)
  return fields
}

export interface CacheFrom {
  readonly text: string
  readonly open: (storage: Storage, access: RegistryAccess, platform: Platform) => Promise<CachePlace>
}

/** An image that is here, or in its registry. */
async function imagePlace(storage: Storage, access: RegistryAccess, platform: Platform, text: string) {
  const here = await findImage(storage.images, text)
  if (here !== undefined) return storedPlace(storage.images, here.descriptor, platform)
  return registryPlace(parseReference(text), access, platform)
}

/** `type=registry,ref=NAME`, `type=local,src=DIR`, or names of images, some with commas between them. Errors: DockError. */
export function cacheFrom(texts: readonly string[]): readonly CacheFrom[] {
  return texts
    .flatMap((text) => (text.includes('=') ? [text] : text.split(',')))
    .filter((text) => text !== '')
    .map((text): CacheFrom => {
      if (!text.includes('=')) {
        parseReference(text)
        return { text, open: (storage, access, platform) => imagePlace(storage, access, platform, text) }
      }
      const fields = parse('cache-from', text, fromKeys)
      const ref = fields.get('ref')
      if (ref === undefined) {
        const [directory, tag] = [resolve(fields.get('src') ?? ''), fields.get('tag') ?? 'latest']
        return { text, open: (_storage, _access, platform) => localPlace(directory, tag, platform) }
      }
      const reference = parseReference(ref)
      return { text, open: (_storage, access, platform) => registryPlace(reference, access, platform) }
    })
}

/** Opens them. One that cannot be had is told, and left out: it may not be there before the first build. */
export async function openSources(
  wanted: readonly CacheFrom[],
  storage: Storage,
  { access, platform, warn }: { access: RegistryAccess; platform: Platform; warn: (message: string) => void },
): Promise<readonly CacheSource[]> {
  const opened: CacheSource[] = []
  for (const { text, open } of wanted) {
    try {
      opened.push(forgiving(text, sourceOf(storage.images, await open(storage, access, platform)), warn))
    } catch (e: unknown) {
      warn(`--cache-from ${text}: ${messageOf(e)}`)
    }
  }
  return opened
}

export interface CacheTo {
  readonly text: string
  readonly max: boolean
  readonly ignoreError: boolean
  readonly write: (storage: Storage, steps: Steps, access: RegistryAccess) => Promise<void>
}

/** Errors: DockError. */
export function cacheTo(texts: readonly string[]): readonly CacheTo[] {
  return texts.flatMap((given): CacheTo[] => {
    const text = given.includes('=') ? given : `type=registry,ref=${given}`
    const fields = parse('cache-to', text, toKeys)
    // Nothing has to be added: the history of each image tells how it was made.
    if (fields.get('type') === 'inline') return []
    const common = { text, max: fields.get('mode') === 'max', ignoreError: fields.get('ignore-error') === 'true' }
    const ref = fields.get('ref')
    if (ref === undefined) {
      const [directory, tag] = [resolve(fields.get('dest') ?? ''), fields.get('tag') ?? 'latest']
      return [{ ...common, write: ({ images }, steps) => exportLocal(images, steps, directory, tag) }]
    }
    const reference: Reference = parseReference(ref)
    return [{ ...common, write: ({ images }, steps, access) => exportRegistry(images, steps, reference, access) }]
  })
}

type Built = Pick<BuiltImage, 'state'> & { readonly steps: Steps }

/** Steps of images; without mode=max, those alone whose layers the images have. */
function stepsOf(images: readonly Built[], max: boolean): Steps {
  return new Map(
    images.flatMap(({ state, steps }) => {
      const own = new Set(state.layers.map(({ diffId }) => diffId))
      return [...steps].filter(([, { layer }]) => max || layer === undefined || own.has(layer.diffId))
    }),
  )
}

/** Errors: DockError, where one could not be written. */
export async function writeCaches(
  storage: Storage,
  wanted: readonly CacheTo[],
  images: readonly Built[],
  { access, warn }: { access: RegistryAccess; warn: (message: string) => void },
): Promise<void> {
  for (const { text, max, ignoreError, write } of wanted) {
    await write(storage, stepsOf(images, max), access).catch((e: unknown) => {
      const message = `--cache-to ${text}: ${messageOf(e)}`
      if (!ignoreError) throw new DockError(message, { cause: e })
      warn(message)
    })
  }
}
