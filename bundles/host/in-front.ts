// SPDX-License-Identifier: Apache-2.0
// A program that stands in for this one while it runs.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { DockError } from '../error.ts'

/** Signals that a terminal or a manager sends to all of us: the program in front deals with them. */
const shared = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const

/** Runs a program with this process's stdio, which gets its signals. Returns its exit status. Errors: DockError. */
export async function runInFront(program: string, args: readonly string[], stdin: boolean): Promise<number> {
  const child = spawn(program, args, { stdio: [stdin ? 'inherit' : 'ignore', 'inherit', 'inherit'] })
  const pass = (signal: NodeJS.Signals): void => {
    // What the terminal sends has reached the child already.
    if (!(process.stdin.isTTY === true && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal)
  }
  for (const signal of shared) process.on(signal, pass)
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    if (code === null) throw new DockError(`${basename(program)} ended with ${signal}`, { exitCode: 125 })
    return code
  } finally {
    for (const signal of shared) process.off(signal, pass)
  }
}
