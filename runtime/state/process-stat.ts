// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

/** Two fields of /proc/PID/stat. */
export interface ProcessStat {
  /** One letter: R, S, Z ... */
  readonly state: string
  /** In clock ticks since boot: tells one process with a pid from the next. */
  readonly startTime: bigint
}

/** Undefined for a text that is none. Spec: proc_pid_stat(5) */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The name stands in parentheses and may hold any byte, so fields are counted from the last one.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (state === undefined || startTime === undefined || !/^\d+$/.test(startTime)) return undefined
  return { state, startTime: BigInt(startTime) }
}

/** True while the process that had this pid and start time runs. */
export function isProcessAlive(pid: number, startTime: bigint): boolean {
  if (pid <= 0) return false
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return false
  }
  const stat = parseProcessStat(text)
  return stat !== undefined && stat.startTime === startTime && !'ZX'.includes(stat.state)
}
