// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { TsrunError } from '../../spec/error.ts'
import { errnoText } from '../state/errno-text.ts'
import { findExecutable } from './find-executable.ts'
import { toError } from './run-front.ts'

/**
 * Runs `use` while nobody else changes the container. Node has no flock(2): the C program holds the lock as long as its
 * standard input is open, which ends with this process at the latest.
 * Errors: not-found, wrong-state when somebody else holds it for too long, host; those of `use`.
 */
export async function withLock<T>(root: string, id: string, executable: string | undefined, use: () => T): Promise<T> {
  const program = findExecutable(executable ?? process.env['TSRUN_FRONT'])
  const child = spawn(program, [`--root=${root}`, '--log-format=json', 'hold', id], { stdio: 'pipe' })
  const told = text(child.stderr)
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (e) => reject(new TsrunError('host', `execve "${program}": ${errnoText(e)}`, { cause: e })))
    child.once('close', (status) => resolve(status ?? 1))
  })
  const held = new Promise<boolean>((resolve) => {
    child.stdout.once('data', () => resolve(true))
    child.stdout.once('end', () => resolve(false))
  })
  child.stdin.on('error', () => undefined)
  try {
    if (!(await Promise.race([held, ended.then(() => false)]))) {
      await ended
      throw toError(messageOf(await told), 1)
    }
    return use()
  } finally {
    child.stdin.end()
    await ended.catch(() => undefined)
  }
}

function messageOf(line: string): string {
  try {
    return String((JSON.parse(line) as { msg?: unknown }).msg)
  } catch {
    return `the state directory could not be locked: ${line.trim()}`
  }
}
