// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { DockError } from '../error.ts'

export const codeOf = (e: unknown): string | undefined => (e as NodeJS.ErrnoException).code

/** Replaces a file at once: whoever reads sees the old or the new one. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const scratch = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(scratch, text, { mode: 0o600 })
    await rename(scratch, path)
  } catch (e: unknown) {
    await rm(scratch, { force: true })
    throw e
  }
}

/** Undefined: there is none. Errors: DockError when it is damaged. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (e: unknown) {
    if (codeOf(e) === 'ENOENT') return undefined
    if (e instanceof SyntaxError) throw new DockError(`${path}: it is damaged: ${e.message}`)
    throw e
  }
}
