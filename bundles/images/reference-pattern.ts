// SPDX-License-Identifier: Apache-2.0
// `docker images PATTERN` and `--filter reference=PATTERN`. Pure.

import { parseGlob } from '../dockerfile/go-path.ts'
import { DockError, messageOf } from '../error.ts'
import { familiarText, parseReference, type Reference } from './reference.ts'

/** A whole name, which may be written in its long form as well; undefined: it is a pattern. */
function wholeName(text: string): string | undefined {
  try {
    return familiarText(parseReference(text))
  } catch {
    return undefined
  }
}

/**
 * Whether a name is meant by a pattern of Go's path.Match, in which a star passes no slash: it is held against the name as
 * people write it, with its tag or digest and without. Errors: DockError.
 */
export function compileReferencePattern(pattern: string): (reference: Reference) => boolean {
  const name = wholeName(pattern)
  let matches: (text: string) => boolean
  try {
    matches = parseGlob(name ?? pattern).matches
  } catch (e: unknown) {
    throw new DockError(`invalid filter 'reference=${pattern}': ${messageOf(e)}`)
  }
  return (reference) => {
    const { registry, repository } = reference
    return matches(familiarText({ registry, repository })) || matches(familiarText(reference))
  }
}
