// SPDX-License-Identifier: Apache-2.0
// One instruction that changes the file system: its inputs, the cache, and the work when the cache knows nothing.

import { isAbsolute, join, normalize } from 'node:path'
import { mergeEnv } from '../containers/container-spec.ts'
import type { ExpandedInstruction } from '../dockerfile/instruction.ts'
import type { ExpandedAdd } from '../dockerfile/instructions/add.ts'
import type { ExpandedCopy } from '../dockerfile/instructions/copy.ts'
import { type ExpandedRun, programOf } from '../dockerfile/instructions/run.ts'
import { PROXY_ARGS } from '../dockerfile/predefined-args.ts'
import { DockError } from '../error.ts'
import { type BuildCache, type CacheRecord, cacheKey, explainMiss, type InputFile, type StepInputs } from './cache.ts'
import type { CacheSource } from './cache-sources.ts'
import { shellOf } from './config-step.ts'
import { copyStep, prepareCopy, workdirStep } from './copy-step.ts'
import { planCopy } from './copy-plan.ts'
import type { FileTree } from './file-tree.ts'
import { type BuiltLayer, chainOf, type ImageState, withConfig, withLayer } from './image-state.ts'
import type { OnBuildEvent } from './progress.ts'
import { type RunContext, runStep } from './run-step.ts'
import type { Step, Stores } from './snapshot.ts'

export interface StepContext {
  readonly step: number
  readonly scratch: () => Promise<string>
  /** Names this step from one build to the next. */
  readonly place: string
  readonly stageName: string
  readonly args: readonly string[]
  readonly tree: (from: string | undefined) => Promise<FileTree>
}

export interface StepOptions {
  readonly stores: Stores
  readonly cache: BuildCache
  /** --cache-from */
  readonly sources: readonly CacheSource[]
  readonly caches: string
  readonly run: Omit<RunContext, 'stores' | 'sources' | 'args' | 'onOutput'>
  readonly secret: (id: string) => Promise<Buffer | undefined>
  readonly ssh: (id: string) => string | undefined
  readonly buildArgs: ReadonlyMap<string, string>
  readonly network: 'default' | 'none' | 'host'
  /** true: nothing is taken from the cache; names: not for these stages. */
  readonly noCache: boolean | readonly string[]
  readonly failOnMiss: boolean
  readonly onEvent: OnBuildEvent
  readonly now: () => number
  readonly onFailure?: ((step: Step, lower: readonly string[], state: ImageState) => Promise<void>) | undefined
}

type Settings = Record<string, string>

/** How an instruction is done, once it is known that it has to be. */
interface Work {
  readonly settings: Settings
  readonly files: Readonly<Record<string, readonly InputFile[]>>
  readonly createdBy: string
  /** See CacheQuery. */
  readonly told?: boolean
  readonly make: () => Promise<BuiltLayer | undefined>
}

export class StepRunner {
  readonly #options: StepOptions
  /** Steps that are being made: another stage may need the very same. */
  readonly #running = new Map<string, Promise<BuiltLayer | undefined>>()

  readonly #remembered: Promise<void>[] = []
  /** What all steps so far made, by their keys. */
  readonly made = new Map<string, CacheRecord>()

  constructor(options: StepOptions) {
    this.#options = options
  }

  /** Waits for what is written beside the steps. */
  async settle(): Promise<void> {
    await Promise.all(this.#remembered)
  }

  async run(state: ImageState, instruction: ExpandedInstruction, context: StepContext): Promise<ImageState> {
    if (instruction.kind === 'workdir') {
      const path = normalize(
        isAbsolute(instruction.path) ? instruction.path : join('/', state.run.WorkingDir ?? '', instruction.path),
      )
      const clean = path.length > 1 ? path.replace(/\/+$/, '') : path
      const layer = await this.#cached(state, context, {
        settings: { instruction: `WORKDIR ${clean}`, epoch: String(state.epoch) },
        files: {},
        createdBy: '',
        make: () => workdirStep(state, clean, this.#options.stores),
      })
      const named = withConfig(state, { WorkingDir: clean }, '')
      return withLayer({ ...named, history: state.history }, layer, `WORKDIR ${clean}`)
    }
    const work =
      instruction.kind === 'run'
        ? await this.#runWork(state, instruction, context)
        : await this.#copyWork(state, instruction, context)
    return withLayer(state, await this.#cached(state, context, work), work.createdBy)
  }

  async #cached(state: ImageState, context: StepContext, work: Work): Promise<BuiltLayer | undefined> {
    const { cache, noCache, failOnMiss, onEvent, now } = this.#options
    const inputs: StepInputs = {
      parent: work.settings['link'] === 'true' ? '' : chainOf(state),
      settings: work.settings,
      files: work.files,
    }
    const key = cacheKey(inputs)
    const skip = noCache === true || (Array.isArray(noCache) && noCache.includes(context.stageName))
    const record = skip ? undefined : await this.#known(key, state, work)
    if (record !== undefined) {
      this.made.set(key, record)
      onEvent({ kind: 'cached', step: context.step, time: now() })
      // The next step need not wait for it.
      this.#remembered.push(cache.rememberInputs(context.place, inputs), cache.touch(key))
      return record.layer
    }
    const reason = skip ? 'the cache is not to be used' : explainMiss(await cache.lastInputs(context.place), inputs)
    onEvent({ kind: 'miss', step: context.step, reason })
    if (failOnMiss) throw new DockError(`not in the cache: ${reason}`)
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const made = work.make()
    this.#running.set(key, made)
    const layer = await made
    this.made.set(key, { layer })
    await cache.put(key, { layer })
    await cache.rememberInputs(context.place, inputs)
    return layer
  }

  /** What is known of a step here, or elsewhere. */
  async #known(key: string, state: ImageState, work: Work): Promise<CacheRecord | undefined> {
    const { cache, stores, sources } = this.#options
    const own = await cache.get(key)
    if (own !== undefined && (own.layer === undefined || (await stores.images.hasBlob(own.layer.blob.digest))))
      return own
    for (const source of sources) {
      const found = await source.find({ key, state, createdBy: work.createdBy, told: work.told === true })
      if (found === undefined) continue
      await cache.put(key, found)
      return found
    }
    return undefined
  }

  async #runWork(state: ImageState, instruction: ExpandedRun, context: StepContext): Promise<Work> {
    const options = this.#options
    const program = programOf(instruction.command, shellOf(state.run))
    const network = instruction.network === 'default' ? options.network : instruction.network
    const files: Record<string, readonly InputFile[]> = {}
    for (const mount of instruction.mounts) {
      if (mount.type !== 'bind') continue
      const tree = await context.tree(mount.from)
      const source = mount.source.replace(/^\/+/, '') || '.'
      const plan = await planCopy(tree, {
        sources: [source],
        destination: '/',
        intoDirectory: false,
        parents: false,
        exclude: [],
      })
      files[`mount ${mount.target}`] = await tree.inputs(plan)
    }
    const proxies = PROXY_ARGS.flatMap((name) =>
      options.buildArgs.has(name) ? [`${name}=${options.buildArgs.get(name)}`] : [],
    )
    const shown = context.args.length === 0 ? '' : `|${context.args.length} ${context.args.join(' ')} `
    return {
      settings: {
        command: JSON.stringify([program.args, program.script ?? null]),
        environment: mergeEnv(context.args, state.run.Env ?? []).join('\n'),
        user: state.run.User ?? '',
        directory: state.run.WorkingDir ?? '',
        mounts: JSON.stringify(instruction.mounts),
        network,
        security: instruction.security,
        epoch: String(state.epoch),
      },
      files,
      told:
        network === 'default' &&
        instruction.security !== 'insecure' &&
        instruction.mounts.every(({ type }) => type !== 'bind'),
      createdBy: `RUN ${shown}${program.script === undefined ? program.args.join(' ') : instruction.text}`,
      make: () =>
        runStep(
          state,
          { ...instruction, network },
          {
            ...options.run,
            stores: options.stores,
            sources: { caches: options.caches, tree: context.tree, secret: options.secret, ssh: options.ssh },
            args: [...proxies, ...context.args],
            onOutput: (stream, chunk) =>
              options.onEvent({
                kind: 'output',
                step: context.step,
                stream,
                text: Buffer.from(chunk).toString('utf8'),
              }),
          },
          (step, lower) => options.onFailure?.(step, lower, state) ?? Promise.resolve(),
        ),
    }
  }

  async #copyWork(state: ImageState, instruction: ExpandedInstruction, context: StepContext): Promise<Work> {
    if (instruction.kind !== 'copy' && instruction.kind !== 'add')
      throw new DockError(`${instruction.kind} changes no files`)
    const { stores } = this.#options
    const copy: ExpandedCopy | ExpandedAdd = instruction
    const tree = await context.tree(copy.kind === 'copy' ? copy.from : undefined).catch((e: unknown) => {
      // ADD of a URL needs no context.
      if (copy.sources.some((source) => source.kind === 'path')) throw e
      return undefined
    })
    const none: FileTree = { label: 'nothing', root: '/', overlays: [], list: async () => [], inputs: async () => [] }
    const prepared = await prepareCopy(state, copy, { stores, tree: tree ?? none, scratch: context.scratch })
    const words = copy.sources.map((source) =>
      source.kind === 'path'
        ? source.path
        : source.kind === 'inline'
          ? source.name
          : source.kind === 'url'
            ? source.url
            : source.remote,
    )
    return {
      settings: {
        instruction: JSON.stringify([
          copy.kind,
          copy.sources,
          copy.destination,
          copy.exclude,
          copy.kind === 'copy' ? [copy.from ?? null, copy.parents] : [copy.unpack ?? null, copy.keepGitDir ?? null],
        ]),
        directory: copy.destination.startsWith('/') ? '' : (state.run.WorkingDir ?? ''),
        chown: copy.chown ?? '',
        chmod: copy.chmod ?? '',
        link: String(copy.link),
        epoch: String(state.epoch),
      },
      files: prepared.inputs,
      createdBy: `${copy.kind.toUpperCase()} ${words.join(' ')} ${copy.destination}`,
      make: () => copyStep(state, copy, prepared, stores),
    }
  }
}
