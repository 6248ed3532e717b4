// SPDX-License-Identifier: Apache-2.0
// `commit`: an image of what a container changed, on top of its own image.

import { readdir } from 'node:fs/promises'
import { type History, type ImageRunConfig, mediaTypes } from '../../spec/image/documents.ts'
import { writeImage } from '../build/build.ts'
import { type BuiltLayer, type ImageState, stateOf, timeText } from '../build/image-state.ts'
import { DockError } from '../error.ts'
import { pack } from '../host/files.ts'
import { hostPlatform } from '../images/platform.ts'
import { openImage, type Storage } from '../storage.ts'
import { changeConfig } from './config-changes.ts'
import { recordEvent } from './events.ts'
import type { Container } from './container-store.ts'
import { upperOf } from './container-tree.ts'
import type { ContainerRecord } from './record.ts'
import { setPaused } from './stop.ts'

export interface CommitRequest {
  /** Full name with tag; undefined: the image gets none. */
  readonly name: string | undefined
  readonly message: string
  readonly author: string
  /** Instructions of Dockerfiles. */
  readonly changes: readonly string[]
  readonly pause: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Does a job while a container stands still. One that was paused by its user stays so. */
async function whilePaused<T>(
  storage: Storage,
  container: Container,
  wanted: boolean,
  job: () => Promise<T>,
): Promise<T> {
  if (!wanted || container.paused || container.state.status !== 'running') return job()
  const { id } = container.record
  const held = await storage.containers.lock(id)
  try {
    await setPaused(storage, container, true)
    try {
      return await job()
    } finally {
      await setPaused(storage, { ...container, paused: true }, false)
    }
  } finally {
    await held.release()
  }
}

async function layerOf(storage: Storage, id: string): Promise<BuiltLayer | undefined> {
  const { directory } = upperOf(storage, id)
  if ((await readdir(directory)).length === 0) return undefined
  let blob = { digest: '', size: 0 }
  await pack(
    directory,
    async (out) => {
      blob = await storage.images.ingest(out as AsyncIterable<Uint8Array>)
    },
    storage.stores.files,
  )
  if (blob.size < 1024 || blob.size % 512 !== 0) throw new DockError('internal error: the tar of a layer was cut off')
  return { diffId: blob.digest, blob: { mediaType: mediaTypes.layer, ...blob } }
}

/** What of a container's configuration belongs to an image. */
function runConfigOf({ config }: ContainerRecord): ImageRunConfig {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal } = config
  const { Healthcheck, OnBuild, Shell } = config
  const all = { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal }
  return Object.fromEntries(
    Object.entries({ ...all, Healthcheck, OnBuild, Shell }).filter(([, value]) => value !== undefined),
  )
}

/** Makes an image of a container. Returns its id. Errors: DockError; the container runs again then, too. */
export async function commitContainer(storage: Storage, container: Container, request: CommitRequest): Promise<string> {
  const { record } = container
  const { manifest, config } = await openImage(
    storage.images,
    record.image.manifest,
    hostPlatform(),
    record.config.Image,
  )
  const run = changeConfig(runConfigOf(record), request.changes)
  const layer = await whilePaused(storage, container, request.pause, () => layerOf(storage, record.id))
  const base = stateOf(manifest, config, Math.floor(request.now / 1000))
  const history: History = {
    created: timeText(base.epoch),
    created_by: record.args.join(' '),
    ...(request.author === '' ? {} : { author: request.author }),
    ...(request.message === '' ? {} : { comment: request.message }),
    ...(layer === undefined ? { empty_layer: true } : {}),
  }
  const state: ImageState = {
    ...base,
    run,
    layers: layer === undefined ? base.layers : [...base.layers, layer],
    history: [...base.history, history],
    author: request.author === '' ? base.author : request.author,
  }
  const { descriptor, id } = await writeImage(storage, state)
  await storage.images.tag(request.name, descriptor, request.now)
  await recordEvent(storage, record, 'commit', { comment: request.message, imageID: id })
  return id
}
