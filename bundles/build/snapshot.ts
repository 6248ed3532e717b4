// SPDX-License-Identifier: Apache-2.0
// The file system of a state, and what a step adds to it.

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mediaTypes } from '../../spec/image/documents.ts'
import { DockError } from '../error.ts'
import { initLayer } from '../containers/init-layer.ts'
import { type FilesOptions, type OverlayMount, pack, remove } from '../host/files.ts'
import type { ImageStore } from '../images/store.ts'
import { chainIds } from '../layers/chain.ts'
import { type LayerSource, type LayerStore, makeScratch, type UnpackOptions } from '../layers/unpacked.ts'
import type { BuiltLayer, ImageState } from './image-state.ts'

export interface Stores {
  readonly images: ImageStore
  readonly layers: LayerStore
  /** For what lives no longer than a step; on the file system of `layers`. */
  readonly scratch: string
  readonly files: FilesOptions
  /** Lines of progress about layers that are unpacked. */
  readonly onUnpack?: ((digest: string) => void) | undefined
}

/** What the store of layers is to know of a state's. */
export const unpacking = (
  stores: Stores,
  state: ImageState,
): { readonly layers: readonly LayerSource[]; readonly options: UnpackOptions } => ({
  layers: state.layers.map(({ diffId, blob }) => ({ diffId, open: () => stores.images.readBlob(blob.digest) })),
  options: { ...stores.files, onLayer: (i) => stores.onUnpack?.(state.layers[i]?.blob.digest ?? '') },
})

/** Directories of a state's layers for overlay, the highest first. An empty one lies below all, so that there is one. */
export async function lowerOf(stores: Stores, state: ImageState): Promise<readonly string[]> {
  const empty = join(stores.layers.directory, 'empty', 'diff')
  await mkdir(empty, { recursive: true, mode: 0o755 })
  const { layers, options } = unpacking(stores, state)
  const paths = await stores.layers.ensure(layers, options)
  return [...paths.toReversed(), empty]
}

/** A place for the writes of one step. */
export interface Step {
  readonly directory: string
  readonly merged: string
  readonly upper: { readonly directory: string; readonly work: string }
}

export async function openStep(stores: Stores): Promise<Step> {
  const directory = await makeScratch(stores.scratch)
  const [diff, work, merged] = ['diff', 'work', 'merged'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([mkdir(diff, { mode: 0o755 }), mkdir(work), mkdir(merged)])
  return { directory, merged, upper: { directory: diff, work } }
}

/** What a step sees: `extra` lies above the image, and is no part of what is committed. */
export const stepOverlay = (step: Step, lower: readonly string[], extra: readonly string[] = []): OverlayMount => ({
  target: step.merged,
  upper: step.upper,
  lower: [...extra, ...lower],
})

export const initLayerOf = (stores: Stores, lower: readonly string[]): Promise<string> =>
  initLayer(lower, stores.files.unprivileged === true)

/** Makes a layer of what a step wrote. Undefined: nothing. The step's directory is gone afterwards. */
export async function commitStep(stores: Stores, state: ImageState, step: Step): Promise<BuiltLayer | undefined> {
  try {
    if ((await readdir(step.upper.directory)).length === 0) return undefined
    let blob = { digest: '', size: 0 }
    await pack(
      step.upper.directory,
      async (out) => {
        blob = await stores.images.ingest(out as AsyncIterable<Uint8Array>)
      },
      { ...stores.files, newest: state.epoch },
    )
    if (blob.size < 1024 || blob.size % 512 !== 0) throw new DockError('internal error: the tar of a layer was cut off')
    const chain = chainIds([...state.layers.map((layer) => layer.diffId), blob.digest]).at(-1) ?? ''
    await Promise.all([remove(step.upper.work), remove(step.merged)])
    await stores.layers.adopt(step.directory, chain)
    return { diffId: blob.digest, blob: { mediaType: mediaTypes.layer, ...blob } }
  } finally {
    await remove(step.directory)
  }
}
