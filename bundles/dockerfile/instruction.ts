// SPDX-License-Identifier: Apache-2.0
import { type AddInstruction, type ExpandedAdd, expandAdd, parseAdd } from './instructions/add.ts'
import { type ArgInstruction, parseArg } from './instructions/arg.ts'
import type { Expander } from './instructions/arguments.ts'
import { type CmdInstruction, parseCmd } from './instructions/cmd.ts'
import { type CopyInstruction, type ExpandedCopy, expandCopy, parseCopy } from './instructions/copy.ts'
import { type EntrypointInstruction, parseEntrypoint } from './instructions/entrypoint.ts'
import { type EnvInstruction, expandEnv, parseEnv } from './instructions/env.ts'
import { type ExpandedExpose, type ExposeInstruction, expandExpose, parseExpose } from './instructions/expose.ts'
import { type FromInstruction, parseFrom } from './instructions/from.ts'
import { type HealthcheckInstruction, parseHealthcheck } from './instructions/healthcheck.ts'
import { expandLabel, type LabelInstruction, parseLabel } from './instructions/label.ts'
import { type MaintainerInstruction, parseMaintainer } from './instructions/maintainer.ts'
import { type OnbuildInstruction, parseOnbuild } from './instructions/onbuild.ts'
import { type ExpandedRun, expandRun, parseRun, type RunInstruction } from './instructions/run.ts'
import { parseShell, type ShellInstruction } from './instructions/shell.ts'
import { expandStopsignal, parseStopsignal, type StopsignalInstruction } from './instructions/stopsignal.ts'
import { expandUser, parseUser, type UserInstruction } from './instructions/user.ts'
import { expandVolume, parseVolume, type VolumeInstruction } from './instructions/volume.ts'
import { expandWorkdir, parseWorkdir, type WorkdirInstruction } from './instructions/workdir.ts'
import { Problem } from './located-error.ts'
import type { Escape } from './source.ts'
import { KEYWORDS, type Statement } from './statement.ts'
import { suggest } from './suggest.ts'

/** Instructions that are the same before and after variables are put in, but for the texts that hold them. */
type SameExpanded =
  | ArgInstruction
  | CmdInstruction
  | EntrypointInstruction
  | EnvInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction

/** What ONBUILD may hold. */
export type Trigger = SameExpanded | AddInstruction | CopyInstruction | ExposeInstruction | RunInstruction

/** An instruction of a stage, as it is written: with variables. */
export type Instruction = Trigger | OnbuildInstruction<Trigger>

/** An instruction with variables put in, and all values checked. */
export type ExpandedInstruction =
  | SameExpanded
  | ExpandedAdd
  | ExpandedCopy
  | ExpandedExpose
  | ExpandedRun
  | OnbuildInstruction<Trigger>

function parseTrigger(statement: Statement, escapeChar: Escape): Trigger {
  switch (statement.keyword.toUpperCase()) {
    case 'ADD':
      return parseAdd(statement)
    case 'ARG':
      return parseArg(statement)
    case 'CMD':
      return parseCmd(statement)
    case 'COPY':
      return parseCopy(statement, escapeChar)
    case 'ENTRYPOINT':
      return parseEntrypoint(statement)
    case 'ENV':
      return parseEnv(statement)
    case 'EXPOSE':
      return parseExpose(statement)
    case 'HEALTHCHECK':
      return parseHealthcheck(statement)
    case 'LABEL':
      return parseLabel(statement)
    case 'MAINTAINER':
      return parseMaintainer(statement)
    case 'RUN':
      return parseRun(statement)
    case 'SHELL':
      return parseShell(statement)
    case 'STOPSIGNAL':
      return parseStopsignal(statement)
    case 'USER':
      return parseUser(statement)
    case 'VOLUME':
      return parseVolume(statement)
    case 'WORKDIR':
      return parseWorkdir(statement)
    default:
      throw unknownKeyword(statement.keyword)
  }
}

function unknownKeyword(keyword: string): Problem {
  const meant = suggest(keyword.toUpperCase(), KEYWORDS)
  // The case of the file is kept: `rnu` was meant to be `run`.
  const written = keyword === keyword.toLowerCase() ? meant?.toLowerCase() : meant
  if (keyword === '') return new Problem('a line is continued, but nothing follows', { expected: 'an instruction' })
  return new Problem(`unknown instruction ${keyword}`, { at: keyword, meant: written })
}

/** What a statement means. Errors: Problem. */
export function parseInstruction(statement: Statement, escapeChar: Escape): Instruction | FromInstruction {
  const keyword = statement.keyword.toUpperCase()
  if (keyword === 'FROM') return parseFrom(statement)
  if (keyword !== 'ONBUILD') return parseTrigger(statement, escapeChar)
  return parseOnbuild(statement, (trigger) => parseTrigger(trigger, escapeChar))
}

/** Puts variables in where an instruction takes them. Errors: Problem. */
export function expandWith(instruction: Instruction, expander: Expander): ExpandedInstruction {
  switch (instruction.kind) {
    case 'add':
      return expandAdd(instruction, expander)
    case 'copy':
      return expandCopy(instruction, expander)
    case 'env':
      return expandEnv(instruction, expander)
    case 'expose':
      return expandExpose(instruction, expander)
    case 'label':
      return expandLabel(instruction, expander)
    case 'run':
      return expandRun(instruction, expander)
    case 'stopsignal':
      return expandStopsignal(instruction, expander)
    case 'user':
      return expandUser(instruction, expander)
    case 'volume':
      return expandVolume(instruction, expander)
    case 'workdir':
      return expandWorkdir(instruction, expander)
    // ARG has values of its own; the others are for a shell, or for later.
    case 'arg':
    case 'cmd':
    case 'entrypoint':
    case 'healthcheck':
    case 'maintainer':
    case 'onbuild':
    case 'shell':
      return instruction
  }
}
