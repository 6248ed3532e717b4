// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { TsrunError } from '../../spec/error.ts'
import { errnoText } from '../state/errno-text.ts'
import { findExecutable } from './find-executable.ts'

/** What the C program prints about what cannot be found out from Node: extended attributes, system calls. Errors: host. */
export function askFront(verb: 'marks' | 'probe', told: string | undefined, rest: readonly string[] = []): string {
  const executable = findExecutable(told ?? process.env['TSRUN_FRONT'])
  const { error, status, signal, stdout, stderr } = spawnSync(executable, [verb, ...rest], {
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error !== undefined) throw new TsrunError('host', `execve "${executable}": ${errnoText(error)}`)
  if (status !== 0) {
    throw new TsrunError('host', `"${executable}" ${verb}: ended with ${status ?? signal}: ${stderr.trim()}`)
  }
  return stdout
}
