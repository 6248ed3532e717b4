// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../spec/error.ts'
import { correctFieldNames } from '../spec/field-names.ts'
import type { Problem } from '../spec/problem.ts'
import type { Spec } from '../spec/runtime/config.ts'
import type { Process } from '../spec/runtime/process.ts'
import { judgeConfig, validateProcess, warnProcess } from '../spec/validate.ts'
import { compile } from './compile/compile.ts'
import { option } from './compile/context.ts'
import { compileExec, execProcess, withUser } from './compile/exec.ts'
import type { PlanRequest } from './facts/request.ts'
import { parseDocument } from './json.ts'
import type { Plan } from './plan/plan.ts'

/**
 * A request -> the plan for it: parse, validate, compile. Pure. What a plan promises is not checked here: the executor
 * trusts no plan and does it again (csrc/plan/decode.c), and `checkPlan` is for tests and for `explain`.
 * Errors: TsrunError; of a config, all problems at once.
 */
export function planFromRequest(request: PlanRequest): Plan {
  const { spec, warnings } = readConfig(request)
  const plan = request.verb === 'exec' ? planExec(request, spec) : compile(request, spec)
  return request.verb === 'exec' ? plan : { ...plan, warnings: [...warnings, ...plan.warnings] }
}

/** The config of a request, as far as it is one. Errors: invalid-json, invalid-config. */
export function readConfig(request: Pick<PlanRequest, 'config' | 'options'>): {
  readonly spec: Spec
  readonly warnings: readonly string[]
} {
  const name = option(request, 'config') ?? 'config.json'
  const value = parseDocument(request.config, name)
  const misspelt = correctFieldNames(value, '')
  const { problems, warnings } = judgeConfig(value)
  refuse(name, problems)
  return { spec: value as Spec, warnings: [...misspelt, ...toTexts(warnings)] }
}

function planExec(request: PlanRequest, spec: Spec): Plan {
  if (request.process === undefined) return compileExec(request, spec, execProcess(request, spec, undefined))
  const name = option(request, 'process') ?? '--process'
  const document = parseDocument(request.process, name)
  const misspelt = correctFieldNames(document, '/process')
  const value = withUser(document)
  refuse(name, validateProcess(value))
  const plan = compileExec(request, spec, execProcess(request, spec, value as Process))
  return { ...plan, warnings: [...misspelt, ...toTexts(warnProcess(value)), ...plan.warnings] }
}

function toTexts(problems: readonly Problem[]): readonly string[] {
  const texts: string[] = []
  for (const { message } of problems) texts.push(message)
  return texts
}

/** One line, because a message is one line of a log. */
function refuse(name: string, problems: readonly Problem[]): void {
  const [first] = problems
  if (first === undefined) return
  const texts = problems.map(({ message, section }) => `${message} (${section})`)
  throw new TsrunError('invalid-config', `${name}: ${texts.join('; ')}`, { pointer: first.pointer })
}
