// SPDX-License-Identifier: Apache-2.0
// The variables of a build: which ARG and ENV an instruction sees.

import { type ExpandedInstruction, expandWith, type Instruction } from './instruction.ts'
import type { ArgDefinition, ArgInstruction } from './instructions/arg.ts'
import type { Expander } from './instructions/arguments.ts'
import { located } from './located-error.ts'
import type { Dockerfile } from './parse.ts'
import { type BuildInputs, DEFAULT_PATH, platformArgs } from './predefined-args.ts'
import type { Source } from './source.ts'
import { expandWords, type Lookup } from './words.ts'

/** What all stages of one build share. */
export interface BuildScope {
  readonly inputs: BuildInputs
  /** What FROM sees: platform arguments and global ARGs that have a value. */
  readonly globals: ReadonlyMap<string, string>
  /** Names of global ARGs, also of those without a value. */
  readonly declared: ReadonlySet<string>
}

/** The global ARGs of a Dockerfile; each sees those before it. Errors: DockerfileError. */
export function openBuild({ source, globalArgs }: Dockerfile, inputs: BuildInputs): BuildScope {
  const globals = platformArgs(inputs)
  const declared = new Set<string>()
  for (const { definitions, range } of globalArgs) {
    for (const { name, value } of definitions) {
      declared.add(name)
      const { escape: escapeChar } = source
      const own = located(source, range, () =>
        value === undefined ? undefined : expandWords(value, (key) => globals.get(key), { escape: escapeChar }).text,
      )
      const found = inputs.buildArgs.get(name) ?? own
      if (found !== undefined) globals.set(name, found)
    }
  }
  return { inputs, globals, declared }
}

/** The variables of a stage. `evaluate` changes them, instruction by instruction. */
export interface StageScope {
  /** What instructions and commands see: ENV and ARG; the one that was last decides. */
  readonly variables: Map<string, string>
  /** What the image has. */
  readonly env: Map<string, string>
  /** What ARG declared, in its order, for the history; undefined for those without a value. */
  readonly args: Map<string, string | undefined>
}

/** Opens a stage on top of another stage, or on the environment of an image. PATH always has a value. */
export function openStage(base: StageScope | undefined, imageEnv: Iterable<readonly [string, string]>): StageScope {
  const env = new Map(base?.env)
  for (const [name, value] of imageEnv) env.set(name, value)
  if (!env.has('PATH')) env.set('PATH', DEFAULT_PATH)
  return { variables: new Map([...(base?.variables ?? []), ...env]), env, args: new Map(base?.args) }
}

export interface Evaluation {
  /** With variables put in. The definitions of an ARG have the values that count. */
  readonly instruction: ExpandedInstruction
  /** Variables that it used, and that are set. */
  readonly used: ReadonlySet<string>
  /** Variables that it used, and that are not. */
  readonly unset: ReadonlySet<string>
}

interface Trace {
  readonly used: Set<string>
  readonly unset: Set<string>
}

function expanderFor(lookup: Lookup, source: Source, trace: Trace): Expander {
  const expand = (text: string, plainQuotes: boolean) => {
    // The escape of a heredoc is always the backslash, as it is in a shell.
    const result = expandWords(text, lookup, { escape: plainQuotes ? '\\' : source.escape, plainQuotes })
    for (const name of result.used) trace.used.add(name)
    for (const name of result.unset) trace.unset.add(name)
    return result
  }
  return {
    word: (text) => expand(text, false).text,
    words: (text) => expand(text, false).words,
    body: (text) => expand(text, true).text,
  }
}

function evaluateArg(build: BuildScope, scope: StageScope, instruction: ArgInstruction, expander: Expander) {
  const definitions = instruction.definitions.map((definition): ArgDefinition => {
    const { name } = definition
    const given = build.inputs.buildArgs.get(name)
    const own = definition.value === undefined ? build.globals.get(name) : undefined
    const value = given ?? own ?? (definition.value === undefined ? undefined : expander.word(definition.value))
    // Moved to the end, where it counts in the history.
    scope.args.set(name, value ?? scope.args.get(name))
    if (value !== undefined) scope.variables.set(name, value)
    return { ...definition, value }
  })
  return { ...instruction, definitions }
}

/**
 * Puts the variables of a stage into an instruction, checks its values, and lets ENV and ARG change the scope.
 * Errors: DockerfileError.
 */
export function evaluate(build: BuildScope, scope: StageScope, source: Source, instruction: Instruction): Evaluation {
  const trace = { used: new Set<string>(), unset: new Set<string>() }
  const expander = expanderFor((name) => scope.variables.get(name), source, trace)
  const expanded = located(source, instruction.range, () =>
    instruction.kind === 'arg' ? evaluateArg(build, scope, instruction, expander) : expandWith(instruction, expander),
  )
  if (expanded.kind === 'env') {
    for (const { key, value } of expanded.pairs) {
      scope.variables.set(key, value)
      scope.env.set(key, value)
    }
  }
  return { instruction: expanded, ...trace }
}
