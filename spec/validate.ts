// SPDX-License-Identifier: Apache-2.0
import { configSchema, processSchema, resourcesSchema } from './generated/config-validator.ts'
import { pointerLabel } from './pointer.ts'
import type { Problem } from './problem.ts'
import { prune } from './prune.ts'
import type { Rule } from './rule.ts'
import { RULES, WARNINGS } from './rules.ts'
import type { Spec } from './runtime/config.ts'
import { type SchemaProblem, type SchemaValidator, schemaProblems } from './schema-problem.ts'
import { sectionOf } from './section.ts'

/** A document that is a part of config.json: where its root stands there, and what to call it. */
interface Part {
  readonly base: string
  readonly title: string
}

const CONFIG: Part = { base: '', title: 'config' }
const PROCESS: Part = { base: '/process', title: 'process' }
const RESOURCES: Part = { base: '/linux/resources', title: 'resources' }

/** All that is wrong with a config.json, and not the first problem alone. Empty: it is a `Spec`. */
export function validateConfig(value: unknown): readonly Problem[] {
  return validate(value, CONFIG, configSchema as SchemaValidator, RULES)
}

/** All that is wrong with the document of `exec --process`. Empty: it is a `Process`. */
export function validateProcess(value: unknown): readonly Problem[] {
  return validate(value, PROCESS, processSchema as SchemaValidator, ofProcess(RULES))
}

/** All that is wrong with the document of `update --resources`. Empty: it is a `LinuxResources`. */
export function validateResources(value: unknown): readonly Problem[] {
  const rules = RULES.filter((rule) => rule.field?.startsWith('/linux/resources/'))
  return validate(value, RESOURCES, resourcesSchema as SchemaValidator, rules)
}

/** `validateConfig` and `warnConfig` of one and the same value, for less: the schema is tried once. */
export function judgeConfig(value: unknown): {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
} {
  const schema = configSchema as SchemaValidator
  const misfits = schemaProblems(schema, value)
  return {
    problems: [...toProblems(misfits, CONFIG), ...applyRules(value, CONFIG, schema, RULES, misfits)],
    warnings: applyRules(value, CONFIG, schema, WARNINGS, misfits),
  }
}

/** What is worth telling the user of a config.json, and no reason to refuse it. Malformed parts are passed over. */
export function warnConfig(value: unknown): readonly Problem[] {
  return applyRules(
    value,
    CONFIG,
    configSchema as SchemaValidator,
    WARNINGS,
    schemaProblems(configSchema as SchemaValidator, value),
  )
}

/** The same for the document of `exec --process`. */
export function warnProcess(value: unknown): readonly Problem[] {
  return applyRules(
    value,
    PROCESS,
    processSchema as SchemaValidator,
    ofProcess(WARNINGS),
    schemaProblems(processSchema as SchemaValidator, value),
  )
}

function ofProcess(rules: readonly Rule[]): readonly Rule[] {
  return rules.filter((rule) => rule.process)
}

function validate(value: unknown, part: Part, schema: SchemaValidator, rules: readonly Rule[]): readonly Problem[] {
  const misfits = schemaProblems(schema, value)
  return [...toProblems(misfits, part), ...applyRules(value, part, schema, rules, misfits)]
}

function toProblems(misfits: readonly SchemaProblem[], part: Part): readonly Problem[] {
  if (misfits.length === 0) return []
  return misfits.map(({ pointer, text }) => toProblem(part, pointer, text, sectionOf(part.base + pointer)))
}

function toProblem(part: Part, pointer: string, text: string, section: string): Problem {
  const label = pointer === '' ? part.title : pointerLabel(pointer)
  return { pointer, message: `${label}: ${text}`, section }
}

function applyRules(
  value: unknown,
  part: Part,
  schema: SchemaValidator,
  rules: readonly Rule[],
  misfits: readonly SchemaProblem[],
): readonly Problem[] {
  const pruned = misfits.length === 0 ? undefined : prune(value, part.base, schema)
  if (misfits.length > 0 && pruned === undefined) return []
  const spec = toSpec(pruned === undefined ? value : pruned.value, part)
  const problems: Problem[] = []
  const fields = presentFields(spec)
  for (const rule of rules) {
    if (rule.field !== undefined && !fields.has(rule.field)) continue
    if (misfits.length > 0 && misfits.some(({ pointer }) => overlaps(part.base + pointer, rule.reads))) continue
    rule.check(spec, (at, text) => {
      const inside = at.slice(part.base.length)
      const pointer = pruned === undefined ? inside : pruned.original(inside)
      // what is said of an object of which a field was left out may only follow from that
      if (misfits.some((misfit) => misfit.pointer.slice(0, misfit.pointer.lastIndexOf('/')) === pointer)) return
      problems.push(toProblem(part, pointer, text, rule.section))
    })
  }
  return problems
}

/** Pointers of the fields that are there, as deep as rules name theirs. */
function presentFields(spec: Spec): ReadonlySet<string> {
  const fields = new Set<string>()
  const add = (section: object | undefined, base: string) => {
    for (const key in section) fields.add(`${base}/${key}`)
  }
  add(spec, '')
  add(spec.process, '/process')
  add(spec.linux, '/linux')
  add(spec.linux?.resources, '/linux/resources')
  return fields
}

/** Whether a fault lies at, above or below what a rule reads. */
function overlaps(fault: string, reads: string | undefined): boolean {
  if (reads === undefined) return false
  return `${fault}/`.startsWith(`${reads}/`) || `${reads}/`.startsWith(`${fault}/`)
}

/** Puts a part where the rules look for it. */
function toSpec(value: unknown, part: Part): Spec {
  if (part === PROCESS) return { ociVersion: '1.3.0', process: value as NonNullable<Spec['process']> }
  if (part === RESOURCES)
    return { ociVersion: '1.3.0', linux: { resources: value as NonNullable<NonNullable<Spec['linux']>['resources']> } }
  return value as Spec
}
