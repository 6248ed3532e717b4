// SPDX-License-Identifier: Apache-2.0
// The programs of iptables: what there is, and changes to it, all or nothing.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { printable } from '../error.ts'
import { networkCommand } from '../host/namespaces.ts'

export type Program = 'iptables' | 'ip6tables'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  /** What it says of a failure, in one line. */
  readonly said: string
}

/** Undefined: the program is missing. */
async function run(program: string, args: readonly string[], input = ''): Promise<Ran | undefined> {
  const child = spawn(...networkCommand(program, args), { stdio: ['pipe', 'pipe', 'pipe'] })
  const closed = once(child, 'close').catch(() => undefined)
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const all = [text(child.stdout.pipe(new PassThrough())), text(child.stderr.pipe(new PassThrough())), closed] as const
  const ended = (await all[2]) as [number | null] | undefined
  if (ended === undefined) return undefined
  const [stdout, stderr] = await Promise.all([all[0], all[1]])
  if (ended[0] === 125 && stderr.includes(`execvp "${program}": no such file`)) return undefined
  return {
    code: ended[0],
    stdout,
    said: printable(stderr)
      .trim()
      .replace(/\s*\n\s*/g, '; '),
  }
}

/** All rules, in the words of iptables-save. table: of this one alone. */
export const save = (program: Program, table?: string): Promise<Ran | undefined> =>
  run(`${program}-save`, table === undefined ? [] : ['-t', table])

/** lines: `*filter`, commands, `COMMIT`. Should one fail, none is done. */
export const restore = (program: Program, lines: string): Promise<Ran | undefined> =>
  run(`${program}-restore`, ['--noflush', '-w', '5'], lines)
