// SPDX-License-Identifier: Apache-2.0
// Which fields of config.json the tests of real containers exercise: what stood in a config that the runtime took, by test.
// test/conformance/exercised.json keeps a test or two for each field, and each of those tests is held to it when it runs.

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Field, fieldAt, readFields } from '../conformance/fields.ts'
import { projectDir } from './work-dir.ts'

/** `linux.seccomp.flags[]`; for names `linux.seccomp.flags[]=SECCOMP_FILTER_FLAG_LOG`. */
type FieldName = string

export const EXERCISED_FILE: string = join(projectDir, 'test/conformance/exercised.json')

/** Field -> tests, as `suite: title`. */
export type Exercised = Readonly<Record<FieldName, readonly string[]>>

let exercised: Exercised | undefined

export function readExercised(): Exercised {
  exercised ??= existsSync(EXERCISED_FILE) ? (JSON.parse(readFileSync(EXERCISED_FILE, 'utf8')) as Exercised) : {}
  return exercised
}

let known: ReadonlyMap<string, Field> | undefined

function fields(): ReadonlyMap<string, Field> {
  known ??= new Map(
    readFields(join(projectDir, 'spec/schema'), 'config.schema.json').map((field) => [field.path, field]),
  )
  return known
}

/** All fields of a document; `base` is where it stands in a config. */
export function fieldNames(document: unknown, base: readonly string[] = []): readonly FieldName[] {
  const names = new Set<FieldName>()
  const visit = (value: unknown, keys: readonly string[]): void => {
    const field = fieldAt(keys, fields())
    if (field !== undefined) {
      names.add(field.path)
      const named = field.names.length > 0 || field.path === 'mounts[].options[]'
      if (named && typeof value === 'string') names.add(`${field.path}=${value}`)
    }
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) visit(inner, [...keys, key])
  }
  visit(document, base)
  return [...names]
}

interface Running {
  readonly name: string
  readonly seen: Set<FieldName>
}

let running: Running | undefined
const bundles = new Map<string, string>()

/** From here on calls are noted for this test. */
export function beginCoverage(suite: string, title: string): void {
  running = { name: `${suite}: ${title}`, seen: new Set() }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined // broken on purpose
  }
}

function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag)
  return at >= 0 ? args[at + 1] : args.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1)
}

/** Notes the documents of a call that the runtime did not complain about. `args` starts with the verb. */
export function noteCall(args: readonly string[], stderr: string): void {
  if (running === undefined || /level=(error|fatal)|^Error|\berror\b/im.test(stderr)) return
  const [verb = ''] = args
  const add = (path: string | undefined, base: readonly string[] = []): void => {
    if (path === undefined) return
    for (const name of fieldNames(readJson(path), base)) running?.seen.add(name)
  }
  if (verb === 'create' || verb === 'run') {
    const bundle = flagValue(args, '--bundle')
    if (bundle !== undefined) {
      for (const word of args) bundles.set(word, bundle)
      add(flagValue(args, '--config') ?? join(bundle, 'config.json'))
    }
  } else if (verb === 'exec') {
    add(flagValue(args, '--process'), ['process'])
    const bundle = args.map((word) => bundles.get(word)).find((found) => found !== undefined)
    if (bundle !== undefined) add(join(bundle, 'config.json'))
  } else if (verb === 'update') add(flagValue(args, '--resources'), ['linux', 'resources'])
}

/** Ends a test that has passed. Throws when it does not exercise what the list says of it. */
export function endCoverage(): void {
  if (running === undefined) return
  const { name, seen } = running
  running = undefined
  const record = process.env['TSRUN_TEST_RECORD']
  if (record !== undefined) {
    appendFileSync(join(record, 'tests.jsonl'), `${JSON.stringify([name, ...seen])}\n`)
    return
  }
  const lost = Object.entries(readExercised()).filter(([field, tests]) => tests.includes(name) && !seen.has(field))
  if (lost.length > 0) {
    const what = lost.map(([field]) => field).join(', ')
    throw new Error(`test/conformance/exercised.json: does not exercise ${what} any more: run npm run conformance`)
  }
}

/** What stands before the tests of a whole suite in a record. */
export const SUITE = '(suite)'

/** Tests of a suite that the list names and that are no more. */
export function staleCoverage(suite: string, titles: readonly string[]): readonly string[] {
  const record = process.env['TSRUN_TEST_RECORD']
  if (record !== undefined) {
    const tests = titles.map((title) => `${suite}: ${title}`)
    appendFileSync(join(record, 'tests.jsonl'), `${JSON.stringify([SUITE, ...tests])}\n`)
    return []
  }
  const named = new Set(Object.values(readExercised()).flat())
  return [...named].filter((name) => name.startsWith(`${suite}: `) && !titles.includes(name.slice(suite.length + 2)))
}
