// SPDX-License-Identifier: Apache-2.0
// Which images `images` shows: docker's filters, and a pattern of names.

import { DockError } from '../../bundles/error.ts'
import { hostPlatform } from '../../bundles/images/platform.ts'
import { parseReference } from '../../bundles/images/reference.ts'
import { compileReferencePattern } from '../../bundles/images/reference-pattern.ts'
import type { OpenImage, StoredImage } from '../../bundles/images/store.ts'
import { hasLabel } from '../../bundles/labels.ts'
import { findImage, openImage, type Storage } from '../../bundles/storage.ts'
import { compileFilters, type FilterTest, isTrue, momentOf } from './filters.ts'

export interface ListedImage {
  readonly image: StoredImage
  /** Undefined: what is here of it is not for this platform, or damaged. */
  readonly opened: OpenImage | undefined
}

/** Docker asks for the label as `key`, or `key=value`. */
const labelled = ({ opened }: ListedImage, value: string): boolean => hasLabel(opened?.config.config?.Labels, value)

/** When the images were added that `before` and `since` name. Errors: DockError: there is none. */
async function moments(storage: Storage, filters: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const names = filters.flatMap((filter) => /^(?:before|since)=(.*)$/is.exec(filter)?.[1] ?? [])
  const found = new Map<string, number>()
  for (const name of names) {
    const image = await findImage(storage.images, name)
    if (image === undefined) throw new DockError(`No such image: ${name}`)
    found.set(name, image.added)
  }
  return found
}

/** A value is wrong whether there are images or not. */
function checkValues(filters: readonly string[]): void {
  for (const filter of filters) {
    const [key = '', value] = filter.split(/=(.*)/s)
    if (value === undefined) continue
    if (key === 'dangling') isTrue(key, value)
    if (key === 'until') momentOf(value)
  }
}

/** All images, the newest first, that filters and the pattern of names allow. Errors: DockError. */
export async function listImages(
  storage: Storage,
  filters: readonly string[],
  pattern: string | undefined,
): Promise<readonly ListedImage[]> {
  const all = pattern === undefined ? filters : [...filters, `reference=${pattern}`]
  checkValues(all)
  const named = await moments(storage, all)
  const patterns = new Map<string, ReturnType<typeof compileReferencePattern>>()
  for (const filter of all) {
    const text = /^reference=(.*)$/is.exec(filter)?.[1]
    if (text !== undefined) patterns.set(text, compileReferencePattern(text))
  }
  const tests: Readonly<Record<string, FilterTest<ListedImage>>> = {
    'dangling': ({ image }, value) => (image.name === undefined) === isTrue('dangling', value),
    'label': labelled,
    'label!': (image, value) => !labelled(image, value),
    'before': ({ image }, value) => image.added < (named.get(value) ?? 0),
    'since': ({ image }, value) => image.added > (named.get(value) ?? 0),
    'until': ({ image }, value) => image.added <= momentOf(value),
    'reference': ({ image }, value) =>
      image.name !== undefined && patterns.get(value)?.(parseReference(image.name)) === true,
  }
  const accepts = compileFilters(all, tests)
  const listed = await Promise.all(
    (await storage.images.list()).map(async (image) => ({
      image,
      opened: await openImage(storage.images, image.descriptor, hostPlatform(), '').catch(() => undefined),
    })),
  )
  return listed.filter(accepts).toSorted((a, b) => b.image.added - a.image.added)
}
