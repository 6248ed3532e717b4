// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TsrunError } from '../../spec/error.ts'

/** Where the build puts the program, seen from this file as a source and as compiled to dist/lib. */
const candidates = ['../../dist/bin/tsrun', '../../../bin/tsrun']

/** Path of the program tsrun: the one that is told, else the one of this package. Errors: host. */
export function findExecutable(told: string | undefined): string {
  if (told !== undefined) return told
  const paths = candidates.map((path) => fileURLToPath(new URL(path, import.meta.url)))
  const found = paths.find((path) => existsSync(path))
  if (found === undefined) {
    throw new TsrunError(
      'host',
      `the program tsrun is not at ${paths.join(' nor ')}: build it (npm run build), or give the option executable`,
    )
  }
  return found
}
