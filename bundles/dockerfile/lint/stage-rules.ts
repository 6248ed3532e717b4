// SPDX-License-Identifier: Apache-2.0
// Rules that need the variables of a stage.

import { cleanPath } from '../go-path.ts'
import type { ExpandedInstruction } from '../instruction.ts'
import { parsePortWord } from '../instructions/expose.ts'
import { DockerfileError } from '../located-error.ts'
import type { PathPatterns } from '../path-patterns.ts'
import { type BuildScope, type Evaluation, evaluate, type StageScope } from '../scope.ts'
import type { SourcedInstruction } from '../stages.ts'
import { suggest } from '../suggest.ts'
import type { Report, Spot } from './reporter.ts'

/** A stage while its instructions are gone through. */
export interface LintedStage {
  readonly scope: StageScope
  /** Whether the environment of the image below is known. If not, only what looks mistyped is found. */
  readonly knowsBase: boolean
  hasShell: boolean
  hasWorkdir: boolean
}

export interface StageContext {
  readonly build: BuildScope
  readonly ignore: PathPatterns | undefined
  readonly report: Report
}

function checkVariables(stage: LintedStage, spot: Spot, unset: ReadonlySet<string>, report: Report): void {
  for (const name of unset) {
    if (stage.scope.args.has(name)) continue
    // GOPATH is two letters from PATH, and an image for Go has it.
    const meant = suggest(name, stage.scope.variables.keys(), stage.knowsBase ? 2 : 1)
    if (meant === undefined && !stage.knowsBase) continue
    const hint = meant === undefined ? '' : ` (did you mean $${meant}?)`
    report('UndefinedVar', spot, `the variable $${name} is not set${hint}`)
  }
}

/** A pattern that leaves all of the context out. */
const EVERYTHING: ReadonlySet<string> = new Set(['*', '**', '**/*'])

function checkIgnored(instruction: ExpandedInstruction, ignore: PathPatterns, report: Report): void {
  if (instruction.kind !== 'copy' && instruction.kind !== 'add') return
  if (instruction.kind === 'copy' && instruction.from !== undefined) return
  // What an exception leaves of a directory cannot be told from its name.
  if (ignore.hasExceptions) return
  for (const source of instruction.sources) {
    if (source.kind !== 'path') continue
    const path = cleanPath(source.path).replace(/^\/(?=.)/, '')
    const isRoot = path === '.' || path === '/'
    const ignored = isRoot ? ignore.patterns.some(({ text }) => EVERYTHING.has(text)) : ignore.matches(path)
    if (ignored) {
      const keyword = instruction.keyword.toUpperCase()
      report('CopyIgnoredFile', instruction, `${keyword} ${source.path}: .dockerignore leaves it out`)
    }
  }
}

function checkPorts(instruction: ExpandedInstruction, report: Report): void {
  if (instruction.kind !== 'expose') return
  for (const word of instruction.words) {
    const { writtenProtocol, hasHost } = parsePortWord(word)
    if (writtenProtocol !== writtenProtocol.toLowerCase()) {
      report('ExposeProtoCasing', instruction, `EXPOSE ${word}: the protocol is not in lower case`)
    }
    if (hasHost)
      report('ExposeInvalidFormat', instruction, `EXPOSE ${word}: addresses and ports of the host have no effect`)
  }
}

function checkCommand(instruction: ExpandedInstruction, stage: LintedStage, report: Report): void {
  if (instruction.kind !== 'cmd' && instruction.kind !== 'entrypoint') return
  if (instruction.command.form === 'exec' || stage.hasShell) return
  const keyword = instruction.keyword.toUpperCase()
  report('JSONArgsRecommended', instruction, `${keyword} in shell form: signals reach the shell, not the program`)
}

/** Values that are wrong may only be so for want of the variables of an image that is not at hand: undefined then. */
function evaluateInStage(
  step: SourcedInstruction,
  stage: LintedStage,
  { build }: StageContext,
): Evaluation | undefined {
  try {
    return evaluate(build, stage.scope, step.source, step.instruction)
  } catch (e: unknown) {
    if (e instanceof DockerfileError && !stage.knowsBase && step.instruction.text.includes('$')) return undefined
    throw e
  }
}

/** Checks one instruction, and lets it change the stage. Errors: DockerfileError. */
export function checkInStage(step: SourcedInstruction, stage: LintedStage, context: StageContext): void {
  const { report } = context
  const evaluated = evaluateInStage(step, stage, context)
  if (evaluated === undefined) return
  const { instruction, unset } = evaluated
  checkVariables(stage, step.instruction, unset, report)
  checkPorts(instruction, report)
  checkCommand(instruction, stage, report)
  if (context.ignore !== undefined) checkIgnored(instruction, context.ignore, report)
  if (instruction.kind === 'shell') stage.hasShell = true
  if (instruction.kind === 'workdir') {
    const isKnown = stage.knowsBase || unset.size === 0
    if (!stage.hasWorkdir && isKnown && !instruction.path.startsWith('/')) {
      const message = `WORKDIR ${instruction.path} is relative to that of the base image`
      report('WorkdirRelativePath', instruction, message)
    }
    stage.hasWorkdir = true
  }
}
