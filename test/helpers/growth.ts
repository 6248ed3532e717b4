// SPDX-License-Identifier: Apache-2.0
// What many containers, one after the other, might leave behind one by one: in this process, and in the kernel.
import { readdirSync, readFileSync } from 'node:fs'
import { scaled } from './slow.ts'

export interface Held {
  /** Of this process. */
  readonly 'open files': number
  readonly 'memory in MB': number
  /** Of the whole machine, and so of others as well. */
  readonly 'open files of all': number
  readonly 'cgroups': number
}

/** In one hierarchy. Memory cgroups stay for as long as a page is charged to them, and so say nothing. */
function countCgroups(): number {
  const line = /^pids\t.*$/m.exec(readFileSync('/proc/cgroups', 'utf8'))?.[0]
  return Number(line?.split('\t')[2] ?? 0)
}

export function readHeld(): Held {
  ;(globalThis as { Bun?: { gc(now: boolean): void } }).Bun?.gc(true)
  return {
    'open files': readdirSync('/proc/self/fd').length,
    'memory in MB': Math.round(process.memoryUsage.rss() / 1048576),
    'open files of all': Number(readFileSync('/proc/sys/fs/file-nr', 'utf8').split('\t')[0]),
    'cgroups': countCgroups(),
  }
}

export function printHeld(before: Held, after: Held): string {
  return Object.entries(after)
    .map(([what, value]) => `${what} ${before[what as keyof Held]} -> ${value}`)
    .join(', ')
}

/**
 * What has grown by more than could be of something else, after so many times: one for each time is more. What others do on
 * the machine comes and goes, so this waits for a moment without it. Empty: nothing has grown.
 */
export async function grownSince(before: Held, times: number): Promise<readonly string[]> {
  const others = Math.max(times / 5, 200)
  const most: Held = { 'open files': 8, 'memory in MB': 64, 'open files of all': others, 'cgroups': others }
  const end = performance.now() + scaled(20_000)
  for (;;) {
    const now = readHeld()
    const grown = Object.entries(now).filter(([what, value]) => {
      const key = what as keyof Held
      return value - before[key] > most[key]
    })
    if (grown.length === 0 || performance.now() > end) {
      return grown.map(
        ([what, value]) => `${what}: ${before[what as keyof Held]} before, ${value} after ${times} times`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
