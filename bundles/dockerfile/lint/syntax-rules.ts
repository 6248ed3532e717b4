// SPDX-License-Identifier: Apache-2.0
// Rules that need no variables.

import type { Instruction } from '../instruction.ts'
import type { ArgInstruction } from '../instructions/arg.ts'
import type { FromInstruction } from '../instructions/from.ts'
import type { Dockerfile, Stage } from '../parse.ts'
import type { Report } from './reporter.ts'

type Placed = Instruction | FromInstruction

const isLower = (word: string): boolean => word === word.toLowerCase()
const isUpper = (word: string): boolean => word === word.toUpperCase()

function checkKeywordCase({ stages }: Dockerfile, report: Report): void {
  const all = stages.flatMap((stage): readonly Placed[] => [stage.from, ...stage.instructions])
  const lower = all.filter(({ keyword }) => isLower(keyword)).length
  const upper = all.filter(({ keyword }) => isUpper(keyword)).length
  const isRight = lower > upper ? isLower : isUpper
  for (const instruction of all) {
    const { keyword } = instruction
    const others = lower > upper ? 'lower' : 'upper'
    if (!isRight(keyword)) {
      report('ConsistentInstructionCasing', instruction, `${keyword}: most keywords are in ${others} case`)
    }
  }
}

/** The last comment above an ARG or a named stage describes it. */
function checkDescription(placed: FromInstruction | ArgInstruction, names: readonly string[], report: Report): void {
  const comment = placed.comments.at(-1)
  const [first] = names
  if (comment === undefined || first === undefined) return
  const word = comment.split(' ', 1)[0] ?? ''
  if (names.includes(word)) return
  const expected = names.length > 1 ? 'the name of an argument' : first
  report('InvalidDefinitionDescription', placed, `the comment above begins with ${word}, not with ${expected}`)
}

function checkFrom(from: FromInstruction, report: Report): void {
  const { keyword, as, nameAsWritten, name } = from
  if (nameAsWritten !== undefined && !isLower(nameAsWritten)) {
    report('StageNameCasing', from, `the name of the stage ${nameAsWritten} is not in lower case`)
  }
  if (as !== undefined && ((isLower(keyword) && !isLower(as)) || (isUpper(keyword) && !isUpper(as)))) {
    report('FromAsCasing', from, `${as} has not the case of ${keyword}`)
  }
  checkDescription(from, name === undefined ? [] : [name], report)
}

function checkStageNames(stages: readonly Stage[], report: Report): void {
  const seen = new Set<string>()
  for (const { name, from } of stages) {
    if (name === undefined) continue
    if (name === 'scratch' || name === 'context') report('ReservedStageName', from, `a stage is named ${name}`)
    if (seen.has(name)) report('DuplicateStageName', from, `there is another stage ${name} above`)
    seen.add(name)
  }
}

const SECRET = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i
const NO_SECRET = /(?:_|^)(?:public|file|version)(?:_|$)/i

function checkSecrets(instruction: Instruction, report: Report): void {
  const names =
    instruction.kind === 'arg'
      ? instruction.definitions.map(({ name }) => name)
      : instruction.kind === 'env'
        ? instruction.pairs.map(({ key }) => key)
        : []
  for (const name of names) {
    if (!SECRET.test(name) || NO_SECRET.test(name)) continue
    const message = `${instruction.keyword.toUpperCase()} ${name} looks like a secret: RUN --mount=type=secret is for those`
    report('SecretsUsedInArgOrEnv', instruction, message)
  }
}

function checkInstruction(instruction: Instruction, report: Report): void {
  const keyword = instruction.keyword.toUpperCase()
  checkSecrets(instruction, report)
  if (instruction.kind === 'maintainer') {
    report('MaintainerDeprecated', instruction, 'MAINTAINER is deprecated: LABEL org.opencontainers.image.authors=...')
  }
  if (instruction.kind === 'arg') {
    checkDescription(
      instruction,
      instruction.definitions.map(({ name }) => name),
      report,
    )
  }
  if (instruction.kind === 'env' || instruction.kind === 'label') {
    for (const { key, legacy } of instruction.pairs) {
      if (legacy) report('LegacyKeyValueFormat', instruction, `${keyword} ${key}: write ${keyword} ${key}=VALUE`)
    }
  }
}

/** The earlier one of two is the one that does not count. */
function checkOnlyOnce({ instructions }: Stage, report: Report): void {
  for (const kind of ['cmd', 'entrypoint', 'healthcheck'] as const) {
    for (const unused of instructions.filter((instruction) => instruction.kind === kind).slice(0, -1)) {
      const message = `${unused.keyword.toUpperCase()} has no effect: there is another one below in the stage`
      report('MultipleInstructionsDisallowed', unused, message)
    }
  }
}

/** Checks what the syntax alone tells. */
export function checkSyntax(dockerfile: Dockerfile, report: Report): void {
  for (const warning of dockerfile.warnings) report(warning.rule, warning, warning.message)
  for (const arg of dockerfile.globalArgs) {
    checkDescription(
      arg,
      arg.definitions.map(({ name }) => name),
      report,
    )
  }
  checkStageNames(dockerfile.stages, report)
  checkKeywordCase(dockerfile, report)
  for (const stage of dockerfile.stages) {
    checkFrom(stage.from, report)
    checkOnlyOnce(stage, report)
    for (const instruction of stage.instructions) checkInstruction(instruction, report)
  }
}
