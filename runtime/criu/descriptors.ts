// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import { parseJson } from '../json.ts'

/** Beside the images of criu, as peers write it: what 0, 1 and 2 of init were. */
export const DESCRIPTORS_FILE = 'descriptors.json'

/** A pipe that a process of the container has open, as criu names it. */
const pipe = /^pipe:\[\d{1,20}\]$/

/** The text of descriptors.json. */
export function formatDescriptors(targets: readonly string[]): string {
  return JSON.stringify(targets)
}

/**
 * Pipes that get an end of the caller's: key and descriptor. The file comes with an image, which may come from anywhere:
 * what is not the name of a pipe is never handed to criu. Errors: invalid-json, state for another form.
 */
export function inheritedPipes(text: string, file: string): readonly { readonly key: string; readonly fd: number }[] {
  const value = parseJson(text, file)
  if (!Array.isArray(value) || value.length > 3 || value.some((item) => typeof item !== 'string')) {
    throw new TsrunError('state', `"${file}": must be an array of at most three strings, one for each of 0, 1 and 2`)
  }
  const pipes: { key: string; fd: number }[] = []
  for (const [fd, key] of (value as string[]).entries()) {
    // One pipe may be there twice: criu wants each key once.
    if (pipe.test(key) && !pipes.some((known) => known.key === key)) pipes.push({ key, fd })
  }
  return pipes
}
