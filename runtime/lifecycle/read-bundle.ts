// SPDX-License-Identifier: Apache-2.0
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { errnoText, hasErrno } from '../state/errno-text.ts'

/** A bundle on disk. */
export interface Bundle {
  /** Absolute, without symbolic links: what the C front passes on, too. */
  readonly path: string
  /** Text of config.json. */
  readonly config: string
}

/** Reads config.json of a bundle, or another file in its place. Errors: bundle. */
export function readBundle(directory: string, configFile?: string): Bundle {
  let path: string
  try {
    path = realpathSync(directory)
  } catch (e: unknown) {
    throw new TsrunError('bundle', `--bundle: open "${directory}": ${errnoText(e)}`, { cause: e })
  }
  const file = configFile ?? join(path, 'config.json')
  try {
    return { path, config: readFileSync(file, 'utf8') }
  } catch (e: unknown) {
    if (hasErrno(e, 'ENOENT')) {
      const name = configFile ?? 'config.json'
      throw new TsrunError('bundle', `JSON specification file ${name} not found (in "${path}")`, { cause: e })
    }
    throw new TsrunError('bundle', `config: open "${file}": ${errnoText(e)}`, { cause: e })
  }
}
