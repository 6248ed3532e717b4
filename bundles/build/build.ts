// SPDX-License-Identifier: Apache-2.0
// `tsdock build`: from what the user says to an image in the store.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Descriptor, type Manifest, mediaTypes } from '../../spec/image/documents.ts'
import { parseDockerfile, type Dockerfile } from '../dockerfile/parse.ts'
import type { Platform } from '../dockerfile/platform.ts'
import { DockError, messageOf } from '../error.ts'
import { hostPlatform } from '../images/platform.ts'
import { parseReference } from '../images/reference.ts'
import { pull } from '../registry/pull.ts'
import type { RegistryAccess } from '../registry/registry.ts'
import { findImage, openImage, type Storage } from '../storage.ts'
import type { Steps } from './cache-export.ts'
import type { CacheSource } from './cache-sources.ts'
import type { FileTree } from './file-tree.ts'
import { type ImageState, imageConfigOf, manifestOf } from './image-state.ts'
import type { OnBuildEvent } from './progress.ts'
import type { RunLimits } from './run-limits.ts'
import { type BaseImage, Solver } from './solve.ts'
import { StepRunner, type StepOptions } from './steps.ts'

export interface BuildRequest {
  readonly dockerfile: { readonly text: string; readonly file: string }
  readonly context: FileTree | undefined
  readonly namedContexts: ReadonlyMap<string, FileTree | { readonly image: string }>
  readonly buildArgs: ReadonlyMap<string, string>
  readonly target?: string | undefined
  readonly platform?: Platform | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly pull: boolean
  readonly epoch?: number | undefined
  readonly runtime?: string | undefined
  readonly allowInsecure: boolean
  readonly hosts: readonly string[]
  /** Where CDI files for RUN --device are. */
  readonly cdiDirectories: readonly string[]
  readonly limits: RunLimits
  readonly network: StepOptions['network']
  readonly noCache: StepOptions['noCache']
  readonly failOnMiss: boolean
  readonly secret: StepOptions['secret']
  readonly ssh: StepOptions['ssh']
  readonly access: RegistryAccess
  /** --cache-from */
  readonly cacheSources: readonly CacheSource[]
  readonly onEvent: OnBuildEvent
  readonly now: () => number
  readonly signal?: AbortSignal | undefined
  readonly onFailure?: StepOptions['onFailure']
}

export interface BuiltImage {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
  /** Digest of the configuration. */
  readonly id: string
  readonly state: ImageState
}

const toDockerfilePlatform = (platform: { os: string; architecture: string; variant?: string }): Platform =>
  ({ os: platform.os, architecture: platform.architecture, variant: platform.variant }) as Platform

/** A base image: from the store, or its registry. Errors: DockError. */
function imageResolver(storage: Storage, request: BuildRequest) {
  return async (name: string, platform: Platform, onEvent: OnBuildEvent, step: number): Promise<BaseImage> => {
    const wanted = {
      os: platform.os,
      architecture: platform.architecture,
      ...(platform.variant ? { variant: platform.variant } : {}),
    }
    const known = request.pull ? undefined : await findImage(storage.images, name)
    if (known !== undefined) {
      const image = await openImage(storage.images, known.descriptor, wanted, name).catch((e: unknown) => {
        if (/no image for/.test(messageOf(e))) return undefined
        throw e
      })
      if (image !== undefined && image.config.architecture === wanted.architecture && image.config.os === wanted.os)
        return image
    }
    const pulled = await pull(storage.images, parseReference(name), request.access, {
      platform: wanted,
      now: Date.now(),
      onProgress: ({ event, digest, done, size }) => {
        if (event === 'bytes' || event === 'done') onEvent({ kind: 'bytes', step, what: digest, done, size })
      },
    })
    return openImage(storage.images, pulled.descriptor, wanted, name)
  }
}

/** SOURCE_DATE_EPOCH of the command line, of the Dockerfile's global ARG, or of the environment. Errors: DockError. */
export function epochOf(given: string | undefined): number | undefined {
  if (given === undefined || given === '') return undefined
  const seconds = Number(given)
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new DockError(`SOURCE_DATE_EPOCH=${given}: it is a number of seconds since 1970`)
  return seconds
}

function globalEpoch(dockerfile: Dockerfile): string | undefined {
  return dockerfile.globalArgs
    .flatMap(({ definitions }) => definitions)
    .find(({ name }) => name === 'SOURCE_DATE_EPOCH')?.value
}

/** Builds, and writes the image's documents. It has no name yet. Errors: DockerfileError, StepError, DockError. */
export async function build(storage: Storage, request: BuildRequest): Promise<BuiltImage & { readonly steps: Steps }> {
  const dockerfile = parseDockerfile(request.dockerfile.text, { file: request.dockerfile.file })
  const buildPlatform = toDockerfilePlatform(hostPlatform())
  const epoch = request.epoch ?? epochOf(request.buildArgs.get('SOURCE_DATE_EPOCH') ?? globalEpoch(dockerfile))
  const steps = new StepRunner({
    stores: storage.stores,
    cache: storage.cache,
    sources: request.cacheSources,
    caches: join(storage.directory, 'cache/mounts'),
    run: {
      host: storage.host,
      runtime: request.runtime,
      runtimeRoot: join(storage.directory, 'run'),
      allowInsecure: request.allowInsecure,
      hosts: request.hosts,
      cdiDirectories: request.cdiDirectories,
      limits: request.limits,
      hostname: request.buildArgs.get('BUILDKIT_SANDBOX_HOSTNAME'),
      signal: request.signal,
    },
    secret: request.secret,
    ssh: request.ssh,
    buildArgs: request.buildArgs,
    network: request.network,
    noCache: request.noCache,
    failOnMiss: request.failOnMiss,
    onEvent: request.onEvent,
    now: request.now,
    onFailure: request.onFailure,
  })
  const solver = new Solver({
    dockerfile,
    context: request.context,
    namedContexts: request.namedContexts,
    buildArgs: request.buildArgs,
    target: request.target,
    buildPlatform,
    targetPlatform: request.platform ?? buildPlatform,
    epoch,
    resolveImage: imageResolver(storage, request),
    stores: storage.stores,
    steps,
    onEvent: request.onEvent,
    now: request.now,
  })
  const { state } = await solver.solve().finally(() => steps.settle())
  return { ...(await writeImage(storage, withLabels(state, request.labels))), steps: steps.made }
}

function withLabels(state: ImageState, labels: Readonly<Record<string, string>>): ImageState {
  if (Object.keys(labels).length === 0) return state
  return { ...state, run: { ...state.run, Labels: { ...state.run.Labels, ...labels } } }
}

/** Writes the documents of an image. */
export async function writeImage(storage: Pick<Storage, 'images'>, state: ImageState): Promise<BuiltImage> {
  const config = await storage.images.putDocument(mediaTypes.config, imageConfigOf(state))
  const manifest = manifestOf(state, config)
  const descriptor = await storage.images.putDocument(mediaTypes.manifest, manifest)
  return { descriptor, manifest, id: config.digest, state }
}

/** Where digests of a context's files are kept. */
export const contextDigests = (storage: Storage, context: string): string =>
  join(storage.directory, 'cache/contexts', createHash('sha256').update(context).digest('hex').slice(0, 32))
