// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { type StoredContainer, readContainer } from '../state/container.ts'
import { errnoText } from '../state/errno-text.ts'

/** A cgroup and those below it may go away while we look: what is gone has no processes. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ENODEV'].includes(String(error.code))
}

/** Adds the processes of a cgroup and of those below. Errors: cgroup. */
export function collectPids(directory: string, pids: Set<number>): void {
  try {
    for (const word of readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n')) {
      if (word !== '') pids.add(Number(word))
    }
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) collectPids(join(directory, entry.name), pids)
    }
  } catch (e: unknown) {
    if (isGone(e)) return
    throw new TsrunError('cgroup', `read "${directory}/cgroup.procs": ${errnoText(e)}`, { cause: e })
  }
}

/** Pids, as the host sees them, of all processes in the container's cgroups, in ascending order. Errors: cgroup. */
export function listPids({ plan, pid, status }: StoredContainer): readonly number[] {
  const pids = new Set<number>()
  const { procsDirs, killDir } = plan.fields
  for (const directory of procsDirs.length > 0 ? procsDirs : [killDir]) {
    if (directory !== '') collectPids(directory, pids)
  }
  // Without cgroups, init at least is known.
  if (status !== 'stopped' && pids.size === 0) pids.add(pid)
  return [...pids].sort((a, b) => a - b)
}

/** The same by id. Errors: invalid-id, not-found, state, cgroup. */
export function readPids(root: string, id: string): readonly number[] {
  return listPids(readContainer(root, id))
}

/** The header and those lines of a table of ps(1) whose column PID holds one of `pids`. Errors: host. */
export function filterTable(table: string, pids: readonly number[]): string {
  const [header = '', ...lines] = table.split('\n')
  const column = header.trim().split(/\s+/).indexOf('PID')
  if (column < 0) {
    throw new TsrunError('host', "couldn't find PID field in ps output: add the column, for example with -o pid,args")
  }
  // Pids are aligned at their right; where a wide cell has pushed them away, words are counted.
  const end = /(^|\s)PID(?=\s|$)/.exec(header)
  const last = end === null ? -1 : end.index + end[0].length - 1
  const pidOf = (line: string): string => {
    const below = /\d*$/.exec(line.slice(0, last + 1))?.[0] ?? ''
    const aligned = below !== '' && !/\S/.test(line[last + 1] ?? '') && /(^|\s)\d+$/.test(line.slice(0, last + 1))
    return aligned ? below : (line.trim().split(/\s+/)[column] ?? '')
  }
  const wanted = new Set(pids.map(String))
  return `${[header, ...lines.filter((line) => wanted.has(pidOf(line)))].join('\n')}\n`
}
