// SPDX-License-Identifier: Apache-2.0
// Which tags of a repository carry a digest: distribution-spec, "Listing Tags"; then each tag is asked for.

import { type Index, isIndexType } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { inParallel } from '../host/parallel.ts'
import type { Reference } from '../images/reference.ts'
import { type RegistryAccess, clientsFor } from './registry.ts'

export interface FoundTag {
  readonly tag: string
  /** Of what the tag names: the digest that was looked for, or an index that has it. */
  readonly digest: string
  /** Of the index's image that has the digest: linux/amd64. */
  readonly platform: string | undefined
}

const AT_ONCE = 4

/** Sorted, as not all registries do it. Errors: DockError. */
export async function tagsOf(
  reference: Reference,
  digest: string,
  access: RegistryAccess,
): Promise<readonly FoundTag[]> {
  const client = clientsFor(reference, access).at(-1)
  if (client === undefined) throw new DockError(`no address for ${reference.registry}`)
  const tags = await client.tags()
  const found = new Map<string, FoundTag>()
  await inParallel(AT_ONCE, tags, async (tag) => {
    const said = await client.peek(tag)
    if (said?.digest === digest) {
      found.set(tag, { tag, digest, platform: undefined })
      return
    }
    // What an index holds, only the index tells.
    if (said !== undefined && !isIndexType(said.mediaType)) return
    const { descriptor, bytes } = await client.manifest(tag)
    if (descriptor.digest === digest) found.set(tag, { tag, digest, platform: undefined })
    if (!isIndexType(descriptor.mediaType)) return
    const inside = (JSON.parse(bytes.toString()) as Partial<Index>).manifests?.find((one) => one.digest === digest)
    if (inside === undefined) return
    const { os, architecture, variant } = inside.platform ?? { os: '?', architecture: '?' }
    const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
    found.set(tag, { tag, digest: descriptor.digest, platform })
  })
  return tags.toSorted().flatMap((tag) => found.get(tag) ?? [])
}
