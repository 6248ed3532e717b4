// SPDX-License-Identifier: Apache-2.0
// An image in the making: what each instruction changes. Pure.

import type {
  Descriptor,
  History,
  ImageConfig,
  ImageRunConfig,
  Manifest,
  Platform,
} from '../../spec/image/documents.ts'
import { mediaTypes } from '../../spec/image/documents.ts'
import { defaultPath } from '../containers/container-spec.ts'
import { chainIds } from '../layers/chain.ts'

export interface BuiltLayer {
  readonly diffId: string
  readonly blob: Descriptor
}

export interface ImageState {
  readonly platform: Platform
  /** The lowest first. */
  readonly layers: readonly BuiltLayer[]
  readonly run: ImageRunConfig
  readonly history: readonly History[]
  readonly author: string | undefined
  /** Seconds: no time in a new layer is later, and the image was `created` then. */
  readonly epoch: number
}

export const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** FROM scratch */
export function emptyState(platform: Platform, epoch: number | undefined): ImageState {
  return { platform, layers: [], run: { Env: [defaultPath] }, history: [], author: undefined, epoch: epoch ?? 0 }
}

/** FROM an image. Without a time of the user's, what is new is as old as the image: the result depends on nothing else. */
export function stateOf(manifest: Manifest, config: ImageConfig, epoch: number | undefined): ImageState {
  const diffIds = config.rootfs.diff_ids ?? []
  const created = Date.parse(config.created ?? '')
  return {
    platform: {
      os: config.os,
      architecture: config.architecture,
      ...(config.variant === undefined ? {} : { variant: config.variant }),
    },
    layers: manifest.layers.flatMap((blob, i) => {
      const diffId = diffIds[i]
      return diffId === undefined ? [] : [{ diffId, blob }]
    }),
    run: config.config ?? {},
    history: config.history ?? [],
    author: config.author,
    epoch: epoch ?? (Number.isFinite(created) ? Math.max(0, Math.floor(created / 1000)) : 0),
  }
}

/** What names the file system of a state; '' for an empty one. */
export const chainOf = (state: ImageState): string => chainIds(state.layers.map((layer) => layer.diffId)).at(-1) ?? ''

/** Adds what an instruction did to the file system; undefined: nothing changed. */
export function withLayer(state: ImageState, layer: BuiltLayer | undefined, createdBy: string): ImageState {
  const history: History = { created: timeText(state.epoch), created_by: createdBy }
  return layer === undefined
    ? { ...state, history: [...state.history, { ...history, empty_layer: true }] }
    : { ...state, layers: [...state.layers, layer], history: [...state.history, history] }
}

/** Adds what an instruction did to the configuration. */
export function withConfig(state: ImageState, change: Partial<ImageRunConfig>, createdBy: string): ImageState {
  const merged: Record<string, unknown> = { ...state.run, ...change }
  // `undefined` takes a setting back.
  const run = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as ImageRunConfig
  return withLayer({ ...state, run }, undefined, createdBy)
}

/** Members in one order, whatever order they were set in: the digest must not depend on it. */
function sorted<T>(record: Readonly<Record<string, T>> | undefined | null): Record<string, T> | undefined {
  if (record === undefined || record === null || Object.keys(record).length === 0) return undefined
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const RUN_KEYS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Healthcheck',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'OnBuild',
  'Shell',
  'ArgsEscaped',
] as const satisfies readonly (keyof ImageRunConfig)[]

export function imageConfigOf(state: ImageState): ImageConfig {
  const run: ImageRunConfig = {
    ...state.run,
    ...(state.run.ExposedPorts && { ExposedPorts: sorted(state.run.ExposedPorts) ?? {} }),
    ...(state.run.Volumes && { Volumes: sorted(state.run.Volumes) ?? {} }),
    ...(state.run.Labels && { Labels: sorted(state.run.Labels) ?? {} }),
  }
  return {
    created: timeText(state.epoch),
    ...(state.author === undefined ? {} : { author: state.author }),
    architecture: state.platform.architecture,
    os: state.platform.os,
    ...(state.platform.variant === undefined ? {} : { variant: state.platform.variant }),
    config: Object.fromEntries(RUN_KEYS.flatMap((key) => (run[key] === undefined ? [] : [[key, run[key]]]))),
    rootfs: { type: 'layers', diff_ids: state.layers.map((layer) => layer.diffId) },
    history: state.history,
  }
}

/** `format`: docker for `--format docker` and docker-archive. */
export function manifestOf(state: ImageState, config: Descriptor): Manifest {
  const docker = config.mediaType === mediaTypes.dockerConfig
  return {
    schemaVersion: 2,
    mediaType: docker ? mediaTypes.dockerManifest : mediaTypes.manifest,
    config,
    layers: state.layers.map((layer) => layer.blob),
  }
}
