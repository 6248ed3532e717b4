// SPDX-License-Identifier: Apache-2.0
// Dockerfile -> typed instructions. Nothing in this folder reads files, the clock or the environment. Not built on the
// package dockerfile-ast: that one is for editors, and knows neither heredocs nor what flags mean.
//
//   const dockerfile = parseDockerfile(text, { file: 'Dockerfile' })     // parse.ts; DockerfileError says where and what
//   const findings = lintDockerfile(dockerfile, { ... }).findings        // lint/lint.ts: `build --check`
//
//   const build = openBuild(dockerfile, { buildArgs, buildPlatform, targetPlatform })      // scope.ts: the global ARGs
//   const stages = resolveStages(dockerfile, build)                      // stages.ts: base, platform, dependencies
//   for (const index of reachableStages(stages, findStage(dockerfile, 'name'))) {          // bases come first
//     const scope = openStage(baseScope, environmentOfTheBaseImage)      // scope.ts: ENV and ARG of one stage
//     for (const { source, instruction } of stages[index].instructions) {
//       const { instruction: step } = evaluate(build, scope, source, instruction)          // variables are in, values checked
//       switch (step.kind) { case 'run': programOf(step.command, shell); step.mounts ...   // instructions/*.ts
//         case 'copy': step.sources, step.mode, resolveSource(dockerfile, index, step.from, step.range) ... } } }
//
//   parseOnbuildTrigger(text, 'ONBUILD of IMAGE')                        // triggers that a base image brings
//   parseDockerignore(text), compilePathPatterns(step.exclude), parseGlob(source.path)     // which files
//   formatDockerfileError(error)                                         // message, line and caret

import type { Directives } from './directives.ts'
import { type Instruction, parseInstruction, type Trigger } from './instruction.ts'
import type { ArgInstruction } from './instructions/arg.ts'
import type { FromInstruction } from './instructions/from.ts'
import { type CheckOptions, NO_CHECK_OPTIONS, parseCheckOptions } from './lint/check-options.ts'
import type { Finding } from './lint/finding.ts'
import { errorAt, located } from './located-error.ts'
import type { Source } from './source.ts'
import { parseStatements } from './statement.ts'

/** FROM and what follows, up to the next FROM. */
export interface Stage {
  /** From 0. */
  readonly index: number
  readonly from: FromInstruction
  /** In lower case; undefined for a stage that has only its number. */
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

export interface Dockerfile {
  readonly source: Source
  readonly directives: Directives
  /** Of `# check=`. */
  readonly checks: CheckOptions
  /** ARG before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[]
  /** At least one. */
  readonly stages: readonly Stage[]
  /** What the parser saw and let pass; lintDockerfile finds it as well. */
  readonly warnings: readonly Finding[]
}

/** Reads a Dockerfile. Errors: DockerfileError, for the first mistake. */
export function parseDockerfile(text: string, options: { readonly file?: string } = {}): Dockerfile {
  const { source, directives, statements, emptyContinuations } = parseStatements(text, options.file ?? 'Dockerfile')
  const check = directives.check
  const checks =
    check === undefined
      ? NO_CHECK_OPTIONS
      : located(source, { start: check.line, end: check.line }, () => parseCheckOptions(check.value))
  const globalArgs: ArgInstruction[] = []
  const stages: (Stage & { readonly instructions: Instruction[] })[] = []
  for (const statement of statements) {
    const { range } = statement
    const instruction = located(source, range, () => parseInstruction(statement, source.escape))
    const stage = stages.at(-1)
    if (instruction.kind === 'from') {
      stages.push({ index: stages.length, from: instruction, name: instruction.name, instructions: [] })
    } else if (stage !== undefined) stage.instructions.push(instruction)
    else if (instruction.kind === 'arg') globalArgs.push(instruction)
    else {
      const { keyword } = statement
      throw errorAt(source, range, `${keyword.toUpperCase()} stands before any FROM`, { at: keyword, expected: 'FROM' })
    }
  }
  const last = source.lines.length
  if (stages.length === 0) {
    throw errorAt(source, { start: last, end: last }, 'the file has no FROM', { expected: 'FROM IMAGE' })
  }
  const warnings = emptyContinuations.map(
    (line): Finding => ({
      rule: 'NoEmptyContinuation',
      message: 'the line is empty although the one before it is continued',
      range: { start: line, end: line },
    }),
  )
  return { source, directives, checks, globalArgs, stages, warnings }
}

export interface ParsedTrigger {
  readonly source: Source
  readonly instruction: Trigger
}

/** Reads what ONBUILD left in an image. `file` names it in messages. Errors: DockerfileError. */
export function parseOnbuildTrigger(text: string, file: string): ParsedTrigger {
  const { source, statements } = parseStatements(text, file)
  const [statement, second] = statements
  const range = second?.range ?? { start: 1, end: 1 }
  if (statement === undefined || second !== undefined)
    throw errorAt(source, range, 'the trigger is not one instruction')
  const instruction = located(source, statement.range, () => parseInstruction(statement, source.escape))
  if (instruction.kind === 'from' || instruction.kind === 'onbuild' || instruction.kind === 'maintainer') {
    throw errorAt(source, statement.range, `${statement.keyword.toUpperCase()} cannot be a trigger`, {
      at: statement.keyword,
    })
  }
  return { source, instruction }
}
