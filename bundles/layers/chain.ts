// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

/** Chain ids of a stack of layers, the lowest first (config.md#layer-chainid): each names its layer and all below it. */
export function chainIds(diffIds: readonly string[]): readonly string[] {
  const ids: string[] = []
  for (const diffId of diffIds) {
    const below = ids.at(-1)
    ids.push(below === undefined ? diffId : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`)
  }
  return ids
}
