// SPDX-License-Identifier: Apache-2.0
// Locks on files, as flock(2) gives them. Node and Bun have no call for it: a helper of ours takes a lock, and waits for it, where
// Bun's way to call the C library does not get it at once. That one takes 0.2 ms, and the helper 4.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { PassThrough } from 'node:stream'
import { DockError, printable } from '../error.ts'
import { findProgram } from './files.ts'

/** Given back by release(), or by the end of whoever has it. */
export interface Lock {
  release(): Promise<void>
}

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

type Flock = (fd: number, operation: number) => number
interface ForeignFunctions {
  dlopen(library: string, symbols: object): { readonly symbols: { readonly flock: Flock } }
}

let known: Flock | null | undefined

/** Null: not on this engine, or with another C library. */
async function flock(): Promise<Flock | null> {
  if (known !== undefined) return known
  known = null
  try {
    if (process.versions['bun'] !== undefined) {
      const name = 'bun:ffi'
      const { dlopen } = (await import(name)) as ForeignFunctions
      known = dlopen('libc.so.6', { flock: { args: ['i32', 'i32'], returns: 'i32' } }).symbols.flock
    }
  } catch {
    // The helper can do it.
  }
  return known
}

/** Undefined: somebody else has it, or it cannot be had in this way. */
async function lockAtOnce(file: string, operation: number): Promise<Lock | undefined> {
  const call = await flock()
  if (call === null) return undefined
  let fd: number
  try {
    fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch {
    // The helper tells what is wrong.
    return undefined
  }
  if (call(fd, operation | LOCK_NB) !== 0) {
    closeSync(fd)
    return undefined
  }
  let held = true
  return {
    release: async () => {
      if (held) closeSync(fd)
      held = false
    },
  }
}

/** Waits until nobody else has a lock on a file that does not go with this one. Errors: DockError. */
export async function lock(file: string, mode: 'shared' | 'exclusive'): Promise<Lock> {
  const quick = await lockAtOnce(file, mode === 'shared' ? LOCK_SH : LOCK_EX)
  if (quick !== undefined) return quick
  const flags = mode === 'shared' ? ['--shared'] : []
  const child = spawn(findProgram('tsdock-files'), ['lock', ...flags, '--', file], { stdio: ['pipe', 'pipe', 'pipe'] })
  const said = text(child.stderr.pipe(new PassThrough()))
  const exited = once(child, 'close')
  const held = await new Promise<boolean>((resolve) => {
    child.stdout.once('data', () => resolve(true)).once('end', () => resolve(false))
  })
  if (!held) throw new DockError(printable(await said).trim() || `no lock on ${file}`)
  return {
    release: async () => {
      child.stdin.end()
      await exited
    },
  }
}
