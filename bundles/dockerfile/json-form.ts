// SPDX-License-Identifier: Apache-2.0
import { Problem } from './located-error.ts'
import { trimStart } from './space.ts'

/**
 * The words of an exec form: a JSON array of strings. Undefined for any other text, which then is a shell form:
 * `RUN [ -f x ]` is a command. Errors: an array of other things.
 */
export function parseJsonForm(text: string): readonly string[] | undefined {
  const json = trimStart(text)
  if (!json.startsWith('[')) return undefined
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // Not JSON: a shell form, as documented for each instruction that has both.
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  const words: unknown[] = value
  if (!words.every((word): word is string => typeof word === 'string')) {
    throw new Problem('the exec form must be a JSON array of strings only', { at: json, expected: '["word", "word"]' })
  }
  return words
}
