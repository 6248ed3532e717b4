// SPDX-License-Identifier: Apache-2.0
import type { BuiltImage } from '../../bundles/build/build.ts'
import { diffImages } from '../../bundles/build/image-diff.ts'
import type { Storage } from '../../bundles/storage.ts'

/** Why two builds of the same did not give the same. */
export async function explainDifference(storage: Storage, first: BuiltImage, second: BuiltImage): Promise<string> {
  const lines = await diffImages(storage.stores, first.state, second.state, { times: true })
  const shown = lines.slice(0, 50)
  const more = lines.length > shown.length ? [`... and ${lines.length - shown.length} more`] : []
  return `tsdock: the two builds differ (${first.descriptor.digest.slice(7, 19)}, ${second.descriptor.digest.slice(7, 19)}):\n${[...shown, ...more].map((line) => `  ${line}\n`).join('')}`
}
