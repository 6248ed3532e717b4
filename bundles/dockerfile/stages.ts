// SPDX-License-Identifier: Apache-2.0
// Which stage is made from what.

import type { Instruction } from './instruction.ts'
import { DockerfileError, errorAt, located } from './located-error.ts'
import type { Dockerfile, Stage } from './parse.ts'
import { type Platform, parsePlatform } from './platform.ts'
import type { BuildScope } from './scope.ts'
import type { Source, SourceRange } from './source.ts'
import { suggest } from './suggest.ts'
import { expandWords } from './words.ts'

/** What a stage begins with, or what COPY --from and mounts take from. */
export type StageSource =
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'scratch' }
  /** An image, or a context that the caller has a name for. */
  | { readonly kind: 'image'; readonly name: string }

export interface SourcedInstruction {
  readonly source: Source
  readonly instruction: Instruction
  /** Whether it is a trigger of the base. */
  readonly onbuild: boolean
}

export interface ResolvedStage {
  readonly stage: Stage
  readonly base: StageSource
  /** Of --platform; undefined for the target's. */
  readonly platform: Platform | undefined
  /** With the triggers in front that the base has, if it is a stage. Those of images are up to the caller. */
  readonly instructions: readonly SourcedInstruction[]
  /** Stages that must be there first: its base, and what it takes files from. In ascending order. */
  readonly dependencies: readonly number[]
}

/** The last stage of a name above another one. */
function stageAbove(dockerfile: Dockerfile, index: number, name: string): Stage | undefined {
  return dockerfile.stages.slice(0, index).findLast((stage) => stage.name === name)
}

/** What a name after --from or from= means in a stage: a stage above it, or an image. Errors: DockerfileError. */
export function resolveSource(dockerfile: Dockerfile, index: number, name: string, range: SourceRange): StageSource {
  const fail = (reason: string): DockerfileError => errorAt(dockerfile.source, range, reason, { at: name })
  if (/^[+-]?\d+$/.test(name)) {
    const number = Number(name)
    if (dockerfile.stages[number] === undefined) throw fail(`from ${name}: there is no stage of this number`)
    if (number >= index) throw fail(`from ${name}: the stage does not stand above this one`)
    return { kind: 'stage', index: number }
  }
  const lower = name.toLowerCase()
  const above = stageAbove(dockerfile, index, lower)
  if (above !== undefined) return { kind: 'stage', index: above.index }
  if (dockerfile.stages[index]?.name === lower) throw fail(`from ${name}: the stage takes from itself`)
  if (dockerfile.stages.some((stage) => stage.name === lower)) {
    throw fail(`from ${name}: the stage does not stand above this one`)
  }
  return name === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name }
}

interface Expanded {
  readonly text: string
  /** A known name that one which is not set was probably meant to be. */
  readonly meant: string | undefined
}

function expandGlobals(build: BuildScope, source: Source, text: string): Expanded {
  const result = expandWords(text, (name) => build.globals.get(name), { escape: source.escape })
  const known = [...build.globals.keys(), ...build.declared]
  const meant = [...result.unset].map((name) => suggest(name, known)).find((name) => name !== undefined)
  return { text: result.text, meant: meant === undefined ? undefined : `$${meant}` }
}

function resolveBase(dockerfile: Dockerfile, build: BuildScope, { index, from }: Stage): StageSource {
  const { source } = dockerfile
  const { text, meant } = located(source, from.range, () => expandGlobals(build, source, from.base))
  if (text === '') throw errorAt(source, from.range, `FROM: ${from.base} is empty`, { at: from.base, meant })
  // Unlike --from, FROM never means a stage below.
  const above = stageAbove(dockerfile, index, text)
  if (above !== undefined) return { kind: 'stage', index: above.index }
  return text === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name: text }
}

function resolvePlatform({ source }: Dockerfile, build: BuildScope, { from }: Stage): Platform | undefined {
  const written = from.platform
  if (written === undefined || written === '') return undefined
  const { text, meant } = located(source, from.range, () => expandGlobals(build, source, written))
  if (text === '') throw errorAt(source, from.range, `--platform: ${written} is empty`, { at: written, meant })
  try {
    return located(source, from.range, () => parsePlatform(text, build.inputs.buildPlatform))
  } catch (e: unknown) {
    if (!(e instanceof DockerfileError) || meant === undefined) throw e
    throw errorAt(source, from.range, e.reason, { at: written, expected: e.expected, meant })
  }
}

/** The names that an instruction takes files from. */
export function sourcesOf(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [instruction.from]
  return instruction.kind === 'run' ? instruction.mountsFrom : []
}

function triggersOf(dockerfile: Dockerfile, base: StageSource, stage: Stage): readonly SourcedInstruction[] {
  if (base.kind !== 'stage') return []
  const instructions = dockerfile.stages[base.index]?.instructions ?? []
  return instructions
    .filter((instruction) => instruction.kind === 'onbuild')
    .map(({ trigger }) => ({
      source: dockerfile.source,
      // A mistake in a trigger is shown where it takes effect.
      instruction: { ...trigger, range: stage.from.range },
      onbuild: true,
    }))
}

/** Puts global arguments into each FROM, and finds what each stage needs. Errors: DockerfileError. */
export function resolveStages(dockerfile: Dockerfile, build: BuildScope): readonly ResolvedStage[] {
  return dockerfile.stages.map((stage) => {
    const base = resolveBase(dockerfile, build, stage)
    const own = stage.instructions.map((instruction) => ({ source: dockerfile.source, instruction, onbuild: false }))
    const instructions = [...triggersOf(dockerfile, base, stage), ...own]
    const dependencies = new Set<number>(base.kind === 'stage' ? [base.index] : [])
    for (const { instruction } of instructions) {
      for (const name of sourcesOf(instruction)) {
        const source = resolveSource(dockerfile, stage.index, name, instruction.range)
        if (source.kind === 'stage') dependencies.add(source.index)
      }
    }
    const platform = resolvePlatform(dockerfile, build, stage)
    return { stage, base, platform, instructions, dependencies: [...dependencies].sort((a, b) => a - b) }
  })
}

/** The stage that is to be built: by name or number, else the last one. Errors: DockerfileError. */
export function findStage({ source, stages }: Dockerfile, target?: string): number {
  if (target === undefined || target === '') return stages.length - 1
  const lower = target.toLowerCase()
  const found =
    stages.findLast((stage) => stage.name === lower) ?? (/^\d+$/.test(target) ? stages[Number(target)] : undefined)
  if (found !== undefined) return found.index
  const names = stages.map((stage) => stage.name).filter((name) => name !== undefined)
  const expected = names.length === 0 ? undefined : names.join(', ')
  throw errorAt(source, { start: 1, end: 1 }, `there is no stage ${target}`, { expected, meant: suggest(lower, names) })
}

/** The stages that a stage needs, and itself: in the order of the file, so that each comes after what it needs. */
export function reachableStages(stages: readonly ResolvedStage[], target: number): readonly number[] {
  const reached = new Set<number>()
  const open = [target]
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (reached.has(index)) continue
    reached.add(index)
    open.push(...(stages[index]?.dependencies ?? []))
  }
  return [...reached].sort((a, b) => a - b)
}
