// SPDX-License-Identifier: Apache-2.0
import { parseGoBool } from '../go-values.ts'
import { Problem } from '../located-error.ts'
import { EXPERIMENTAL_RULES, type RuleName } from './rules.ts'

type Selection = 'all' | ReadonlySet<string>

/** `skip=...;error=...;experimental=...` */
export interface CheckOptions {
  readonly skip: Selection
  readonly experimental: Selection
  /** Whether a finding fails the build. */
  readonly error: boolean
}

export const NO_CHECK_OPTIONS: CheckOptions = { skip: new Set(), experimental: new Set(), error: false }

function parseSelection(text: string): Selection {
  return text === 'all' ? 'all' : new Set(text.split(',').map((name) => name.trim()))
}

/** Reads the value of `# check=`, up to its first blank. Errors: Problem. */
export function parseCheckOptions(text: string): CheckOptions {
  const [value = ''] = text.trim().split(' ', 1)
  let options = NO_CHECK_OPTIONS
  if (value === '') return options
  for (const part of value.split(';')) {
    const equals = part.indexOf('=')
    const key = (equals < 0 ? part : part.slice(0, equals)).trim()
    const given = equals < 0 ? '' : part.slice(equals + 1).trim()
    if (equals < 0 || !['skip', 'experimental', 'error'].includes(key)) {
      throw new Problem(`check: unknown option ${part}`, { at: part, expected: 'skip=, error= or experimental=' })
    }
    if (key === 'error') {
      const error = parseGoBool(given)
      if (error === undefined) throw new Problem(`check: error=${given}`, { at: part, expected: 'true or false' })
      options = { ...options, error }
    } else options = { ...options, [key]: parseSelection(given) }
  }
  return options
}

/** The options of `# check=` in the comments above an instruction, on top of those of the file. */
export function withComments(options: CheckOptions, comments: readonly string[]): CheckOptions {
  const comment = comments.find((line) => /^check\s*=/i.test(line))
  if (comment === undefined) return options
  try {
    const own = parseCheckOptions(comment.slice(comment.indexOf('=') + 1))
    return {
      ...options,
      skip: join(options.skip, own.skip),
      experimental: join(options.experimental, own.experimental),
    }
  } catch (e: unknown) {
    // A comment may say anything; only the directive at the top must be right.
    if (e instanceof Problem) return options
    throw e
  }
}

function join(a: Selection, b: Selection): Selection {
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b])
}

const selects = (selection: Selection, rule: RuleName): boolean => selection === 'all' || selection.has(rule)

/** Whether a rule applies. */
export function applies(options: CheckOptions, rule: RuleName): boolean {
  return EXPERIMENTAL_RULES.has(rule) ? selects(options.experimental, rule) : !selects(options.skip, rule)
}
