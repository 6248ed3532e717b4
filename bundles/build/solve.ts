// SPDX-License-Identifier: Apache-2.0
// A Dockerfile becomes an image: stages side by side, each step from the cache or run.

import { join } from 'node:path'
import type { ImageConfig, Manifest } from '../../spec/image/documents.ts'
import type { ExpandedInstruction, Instruction } from '../dockerfile/instruction.ts'
import { errorAt } from '../dockerfile/located-error.ts'
import { type Dockerfile, parseOnbuildTrigger } from '../dockerfile/parse.ts'
import type { Platform } from '../dockerfile/platform.ts'
import { type BuildScope, evaluate, openBuild, openStage, type StageScope } from '../dockerfile/scope.ts'
import {
  findStage,
  type ResolvedStage,
  reachableStages,
  resolveSource,
  resolveStages,
  type SourcedInstruction,
} from '../dockerfile/stages.ts'
import type { SourceRange } from '../dockerfile/source.ts'
import { DockError, messageOf } from '../error.ts'
import { makeScratch } from '../layers/unpacked.ts'
import { remove } from '../host/files.ts'
import { configStep, type StageMemory } from './config-step.ts'
import { type FileTree, imageTree } from './file-tree.ts'
import { chainOf, emptyState, type ImageState, stateOf, withLayer } from './image-state.ts'
import type { OnBuildEvent } from './progress.ts'
import { lowerOf, type Stores } from './snapshot.ts'
import type { StepRunner } from './steps.ts'

/** An image that a stage begins with. */
export interface BaseImage {
  readonly manifest: Manifest
  readonly config: ImageConfig
}

export interface SolveRequest {
  readonly dockerfile: Dockerfile
  /** Undefined: there is none, and nothing can be taken from it. */
  readonly context: FileTree | undefined
  /** --build-context: a directory, or an image under another name. */
  readonly namedContexts: ReadonlyMap<string, FileTree | { readonly image: string }>
  readonly buildArgs: ReadonlyMap<string, string>
  readonly target: string | undefined
  readonly buildPlatform: Platform
  readonly targetPlatform: Platform
  /** SOURCE_DATE_EPOCH; undefined: that of the base. */
  readonly epoch: number | undefined
  readonly resolveImage: (name: string, platform: Platform, onEvent: OnBuildEvent, step: number) => Promise<BaseImage>
  readonly stores: Stores
  readonly steps: StepRunner
  readonly onEvent: OnBuildEvent
  readonly now: () => number
}

interface SolvedStage {
  readonly state: ImageState
  readonly scope: StageScope
}

export interface Solved {
  readonly state: ImageState
  readonly stages: number
}

/** A step failed: the Dockerfile's line, and why. */
export class StepError extends DockError {
  readonly range: SourceRange
  constructor(message: string, range: SourceRange, cause: unknown) {
    super(message, { cause })
    this.range = range
  }
}

export class Solver {
  readonly #request: SolveRequest
  readonly #build: BuildScope
  readonly #stages: readonly ResolvedStage[]
  readonly #solved = new Map<number, Promise<SolvedStage>>()
  readonly #images = new Map<string, Promise<BaseImage>>()
  #step = 0

  constructor(request: SolveRequest) {
    this.#request = request
    const { buildArgs, buildPlatform, targetPlatform, target } = request
    this.#build = openBuild(request.dockerfile, { buildArgs, buildPlatform, targetPlatform, target })
    this.#stages = resolveStages(request.dockerfile, this.#build)
  }

  /** Errors: DockerfileError, StepError, DockError. Of several failures the first one is told, when all has stopped. */
  async solve(): Promise<Solved> {
    const target = findStage(this.#request.dockerfile, this.#request.target)
    const needed = reachableStages(this.#stages, target)
    const all = await Promise.allSettled(needed.map((index) => this.#stage(index)))
    const failed = all.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return { state: (await this.#stage(target)).state, stages: needed.length }
  }

  #stage(index: number): Promise<SolvedStage> {
    const known = this.#solved.get(index)
    if (known !== undefined) return known
    const solved = this.#solveStage(index)
    this.#solved.set(index, solved)
    // Whoever needs it is told; nobody else has to be.
    solved.catch(() => undefined)
    return solved
  }

  async #solveStage(index: number): Promise<SolvedStage> {
    const resolved = this.#stages[index]
    if (resolved === undefined) throw new DockError(`there is no stage ${index}`)
    const base = await this.#base(resolved)
    const memory: StageMemory = { cmdSet: false }
    let state = base.state
    const instructions = [...base.triggers, ...resolved.instructions]
    const total = instructions.length + 1
    const stageName = resolved.stage.name ?? (this.#stages.length > 1 ? `stage-${index}` : '')
    for (const [i, sourced] of instructions.entries()) {
      const label = `[${stageName === '' ? '' : `${stageName} `}${i + 2}/${total}] ${sourced.instruction.text.split('\n')[0]}`
      state = await this.#instruction(resolved, state, base.scope, sourced, memory, label, i)
    }
    return { state, scope: base.scope }
  }

  async #base(resolved: ResolvedStage): Promise<SolvedStage & { readonly triggers: readonly SourcedInstruction[] }> {
    const { base, stage } = resolved
    const platform = resolved.platform ?? this.#request.targetPlatform
    if (base.kind === 'stage') {
      const { state, scope } = await this.#stage(base.index)
      const { OnBuild: _, ...run } = state.run
      return { state: { ...state, run }, scope: openStage(scope, []), triggers: [] }
    }
    if (base.kind === 'scratch') {
      const { os, architecture, variant } = platform
      const own = { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) }
      const state = emptyState(own, this.#request.epoch)
      return { state, scope: openStage(undefined, []), triggers: [] }
    }
    const image = await this.#image(base.name, platform, stage.from.range)
    const { OnBuild: triggers = [], ...run } = image.config.config ?? {}
    const state = { ...stateOf(image.manifest, image.config, this.#request.epoch), run }
    return {
      state,
      scope: openStage(undefined, envPairs(run.Env ?? [])),
      triggers: (triggers ?? []).map((text) => {
        const { source, instruction } = parseOnbuildTrigger(text, `ONBUILD of ${base.name}`)
        return { source, instruction: { ...instruction, range: stage.from.range }, onbuild: true }
      }),
    }
  }

  /** Images are fetched once for all that need them. */
  #image(name: string, platform: Platform, range: SourceRange): Promise<BaseImage> {
    const context = this.#request.namedContexts.get(name)
    const real = context !== undefined && 'image' in context ? context.image : name
    const key = `${real}\0${platform.os}/${platform.architecture}/${platform.variant ?? ''}`
    const known = this.#images.get(key)
    if (known !== undefined) return known
    const step = ++this.#step
    const { onEvent, now } = this.#request
    const fetched = (async () => {
      onEvent({ kind: 'begin', step, name: `FROM ${name}`, time: now() })
      try {
        const image = await this.#request.resolveImage(real, platform, onEvent, step)
        onEvent({ kind: 'done', step, time: now() })
        return image
      } catch (e: unknown) {
        onEvent({ kind: 'failed', step, message: messageOf(e), time: now() })
        throw new StepError(errorAt(this.#request.dockerfile.source, range, messageOf(e)).message, range, e)
      }
    })()
    this.#images.set(key, fetched)
    return fetched
  }

  async #instruction(
    resolved: ResolvedStage,
    state: ImageState,
    scope: StageScope,
    { source, instruction }: SourcedInstruction,
    memory: StageMemory,
    label: string,
    ordinal: number,
  ): Promise<ImageState> {
    const { instruction: expanded } = evaluate(this.#build, scope, source, instruction)
    const configured = configStep(state, expanded, memory)
    if (configured !== undefined) return configured
    if (expanded.kind === 'arg') {
      const text = expanded.definitions
        .map(({ name, value }) => (value === undefined ? name : `${name}=${value}`))
        .join(' ')
      return withLayer(state, undefined, `ARG ${text}`)
    }
    const step = ++this.#step
    const { onEvent, now } = this.#request
    onEvent({ kind: 'begin', step, name: label, time: now() })
    try {
      const next = await this.#fileStep(resolved, state, scope, expanded, step, ordinal)
      onEvent({ kind: 'done', step, time: now() })
      return next
    } catch (e: unknown) {
      onEvent({ kind: 'failed', step, message: messageOf(e), time: now() })
      if (e instanceof StepError) throw e
      throw new StepError(errorAt(source, instruction.range, messageOf(e)).message, instruction.range, e)
    }
  }

  async #fileStep(
    resolved: ResolvedStage,
    state: ImageState,
    scope: StageScope,
    instruction: ExpandedInstruction,
    step: number,
    ordinal: number,
  ): Promise<ImageState> {
    const { steps, stores, dockerfile } = this.#request
    // Most steps need none, and removing one takes a program.
    let made: Promise<string> | undefined
    const scratch = (): Promise<string> => {
      made ??= makeScratch(stores.scratch)
      return made
    }
    try {
      return await steps.run(state, instruction, {
        step,
        scratch,
        place: [
          dockerfile.source.file,
          this.#request.context?.root ?? '',
          resolved.stage.name ?? resolved.stage.index,
          ordinal,
        ].join('\0'),
        stageName: resolved.stage.name ?? String(resolved.stage.index),
        args: argsFor(scope, this.#build),
        tree: (from) => this.#tree(resolved, from, instruction.range, scratch),
      })
    } finally {
      if (made !== undefined) await remove(await made)
    }
  }

  /** What files are taken from. Errors: DockError. */
  async #tree(
    resolved: ResolvedStage,
    from: string | undefined,
    range: SourceRange,
    scratch: () => Promise<string>,
  ): Promise<FileTree> {
    const { dockerfile, context, namedContexts, stores } = this.#request
    if (from === undefined) {
      if (context === undefined) throw new DockError('there is no context to take files from')
      return context
    }
    const named = namedContexts.get(from)
    if (named !== undefined && !('image' in named)) return named
    const source = resolveSource(dockerfile, resolved.stage.index, from, range)
    if (source.kind === 'scratch')
      return this.#stateTree(from, emptyState({ os: 'linux', architecture: '' }, 0), stores, scratch)
    if (source.kind === 'stage') return this.#stateTree(from, (await this.#stage(source.index)).state, stores, scratch)
    const image = await this.#image(source.name, resolved.platform ?? this.#request.targetPlatform, range)
    return this.#stateTree(from, stateOf(image.manifest, image.config, 0), stores, scratch)
  }

  async #stateTree(
    label: string,
    state: ImageState,
    stores: Stores,
    scratch: () => Promise<string>,
  ): Promise<FileTree> {
    const target = await makeScratch(await scratch())
    const lower = await lowerOf(stores, state)
    // Overlay wants two directories where there is nothing to write to.
    const second = join(stores.layers.directory, 'empty', 'diff')
    const both = lower.length > 1 ? lower : [...lower, await makeScratch(await scratch())]
    return imageTree(label, chainOf(state) || second, { target, lower: both }, stores.files)
  }
}

const envPairs = (env: readonly string[]): readonly (readonly [string, string])[] =>
  env.map((one) => {
    const equals = one.indexOf('=')
    return equals < 0 ? [one, ''] : [one.slice(0, equals), one.slice(equals + 1)]
  })

/** Variables of ARG that a command sees. */
function argsFor(scope: StageScope, _build: BuildScope): readonly string[] {
  return [...scope.args].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
}

export type { Instruction }
