// SPDX-License-Identifier: Apache-2.0
import { pointerTo, pointerValue } from './pointer.ts'

/** What a generated validator reports: ajv's own words, without its message. */
export interface SchemaError {
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
}

/** A generated validator: returns whether the value fits, and leaves what does not in `errors`. */
export interface SchemaValidator {
  (value: unknown): boolean
  errors?: readonly SchemaError[] | null
}

/** One misfit of a document and its schema, in words. */
export interface SchemaProblem {
  readonly pointer: string
  readonly text: string
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

/** Bounds that a double cannot hold, as they are meant. */
const EXACT: Readonly<Record<string, string>> = {
  '18446744073709552000': '18446744073709551615',
  '9223372036854776000': '9223372036854775807',
  '-9223372036854776000': '-9223372036854775808',
}

/** What to write where a text does not match its pattern. */
const PATTERNS: Readonly<Record<string, string>> = {
  '^RLIMIT_[A-Z]+$': 'write a name like "RLIMIT_NOFILE"',
  '^[0-9, -]*$': 'write a list like "0-3,7"',
  '^[1-9][0-9]*[KMG]B$': 'write a size like "64KB", "2MB" or "1GB"',
  '^MB:[^\\n]*$': 'write one line that starts with "MB:"',
  '^CAP_[A-Z_]+$': 'write a name like "CAP_CHOWN"',
}

/** Fields with words of their own, which callers look for. */
const WORDS: readonly (readonly [pointer: RegExp, words: string])[] = [
  [/^\/linux\/memoryPolicy\/mode$/, 'invalid memory policy mode'],
  [/^\/linux\/memoryPolicy\/flags\/\d+$/, 'invalid memory policy flag'],
]

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)}`
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

function explain(error: SchemaError, value: unknown): string {
  const { params } = error
  switch (error.keyword) {
    case 'type':
      return `is ${describe(value)}: give ${KINDS[String(params['type'])] ?? String(params['type'])}`
    case 'enum':
      return `is ${describe(value)}: give one of ${(params['allowedValues'] as readonly string[]).filter((one) => one !== '').join(', ')}`
    case 'pattern':
      return `is ${describe(value)}: ${PATTERNS[String(params['pattern'])] ?? `match ${String(params['pattern'])}`}`
    case 'minimum':
    case 'maximum': {
      const limit = EXACT[String(params['limit'])] ?? String(params['limit'])
      return `is ${describe(value)}: give at ${error.keyword === 'minimum' ? 'least' : 'most'} ${limit}`
    }
    case 'minItems':
      return 'is empty: give at least one entry'
    default:
      return `does not fit the schema (${error.keyword}): correct it`
  }
}

/** Rewrites a validator's errors in plain words, one for each field: the first reason is the one that matters. */
export function schemaProblems(validator: SchemaValidator, value: unknown): readonly SchemaProblem[] {
  if (validator(value)) return []
  const problems = new Map<string, SchemaProblem>()
  for (const error of validator.errors ?? []) {
    const missing = error.keyword === 'required' ? String(error.params['missingProperty']) : undefined
    const pointer = missing === undefined ? error.instancePath : pointerTo(error.instancePath, missing)
    const words = WORDS.find(([known]) => known.test(pointer))?.[1]
    const what = missing === undefined ? explain(error, pointerValue(value, pointer)) : 'is missing: it is required'
    const text = words === undefined ? what : `${words}: ${what}`
    // ajv tells "type" last, behind bounds and patterns that the wrong type failed as well
    if (error.keyword === 'type' || !problems.has(pointer)) problems.set(pointer, { pointer, text })
  }
  return [...problems.values()]
}
