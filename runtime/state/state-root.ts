// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { TsrunError } from '../../spec/error.ts'

/** Inside a user namespace uid 0 is nobody special, and /run belongs to somebody else. */
function isInUserNamespace(): boolean {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
  } catch {
    return false
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Where state directories are when nobody says: below /run, or XDG_RUNTIME_DIR for those who cannot write there. */
function defaultStateRoot(): string {
  const xdg = process.env['XDG_RUNTIME_DIR'] ?? ''
  const own = xdg !== '' && (process.geteuid?.() !== 0 || (isInUserNamespace() && !canWrite('/run')))
  return `${own ? xdg : '/run'}/tsrun`
}

/** Absolute path of the state root: that of --root, or the default. Errors: usage. */
export function resolveStateRoot(option: string | undefined): string {
  if (option === undefined || option === '') return defaultStateRoot()
  const root = resolve(option)
  if (root === '/') {
    throw new TsrunError('usage', `--root: ${JSON.stringify(option)} cannot be used as the state root`)
  }
  return root
}
