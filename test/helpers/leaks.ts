// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCgroupMounts } from './host.ts'
import { isTsrun } from './runtime.ts'
import { scaled } from './slow.ts'
import { mark, stateRoot, workDir } from './work-dir.ts'

/** What containers of this test process have left on the host. */
export interface Leaks {
  readonly mounts: readonly string[]
  readonly cgroups: readonly string[]
  readonly processes: readonly string[]
  readonly states: readonly string[]
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // gone meanwhile
  }
}

function markedMounts(): readonly string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(`${mark}-`))
}

function markedCgroups(): readonly string[] {
  const found: string[] = []
  const walk = (dir: string): void => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (!entry.isDirectory()) {
        continue
      }
      const path = join(dir, entry.name)
      try {
        walk(path)
      } catch {
        continue // removed meanwhile
      }
      if (path.includes(`${mark}-`)) {
        found.push(path)
      }
    }
  }
  for (const mount of readCgroupMounts()) {
    walk(mount.dir)
  }
  return found
}

/** Processes of our containers (by cgroup), and runtime processes (by command line or environment). */
function markedProcesses(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      // A zombie waits for its parent, which after `create` is not the runtime.
      if (pid === process.pid || /^State:\tZ/m.test(read(`/proc/${pid}/status`))) {
        return false
      }
      return (
        read(`/proc/${pid}/cgroup`).includes(`${mark}-`) ||
        (read(`/proc/${pid}/environ`).includes(`TSRUN_TEST_MARK=${mark}\0`) && !helpers.has(pid))
      )
    })
}

/** Directories that crun keeps in the state root for good. */
const crunsOwn = ['.cache', '.empty-directory']

function stateNames(root: string): readonly string[] {
  return existsSync(root) ? readdirSync(root).filter((name) => isTsrun || !crunsOwn.includes(name)) : []
}

/** Processes that a test itself started and ends, such as a socket listener. */
export const helpers = new Set<number>()

/** Looks at mounts, cgroups, processes and the state root. */
export function readLeaks(root: string = stateRoot): Leaks {
  return {
    mounts: markedMounts(),
    cgroups: markedCgroups(),
    processes: markedProcesses().map(
      (pid) =>
        `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')} ${read(`/proc/${pid}/cgroup`).includes(mark)}`,
    ),
    states: stateNames(root),
  }
}

/** The leaks as lines of text; empty when nothing is left. */
export function leakLines(leaks: Leaks): readonly string[] {
  return [
    ...leaks.mounts.map((line) => `mount: ${line}`),
    ...leaks.cgroups.map((line) => `cgroup: ${line}`),
    ...leaks.processes.map((line) => `process: ${line}`),
    ...leaks.states.map((line) => `state: ${line}`),
  ]
}

/** Waits a moment for what the kernel removes late (dying processes), then says what is left. */
export async function settledLeaks(waitMs = 1500): Promise<readonly string[]> {
  const end = performance.now() + scaled(waitMs)
  for (;;) {
    const lines = leakLines(readLeaks())
    if (lines.length === 0 || performance.now() > end) {
      return lines
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Removes whatever is left, so that one failed test does not spoil the next. Only marked objects. */
export async function removeLeaks(unmount: (target: string) => void): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    for (const dir of markedCgroups()) {
      thaw(dir)
    }
    for (const pid of markedProcesses()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {}
    }
    for (const dir of markedCgroups()) {
      try {
        rmdirSync(dir)
      } catch {}
    }
    for (const line of markedMounts().toReversed()) {
      const target = line.split(' ')[4]
      if (target?.startsWith(workDir)) {
        unmount(target)
      }
    }
    if (markedCgroups().length === 0 && markedMounts().length === 0) {
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  for (const name of stateNames(stateRoot)) {
    rmSync(join(stateRoot, name), { recursive: true, force: true })
  }
}

function thaw(dir: string): void {
  for (const [file, value] of [
    ['freezer.state', 'THAWED'],
    ['cgroup.freeze', '0'],
  ] as const) {
    try {
      writeFileSync(join(dir, file), value, { flag: 'r+' })
    } catch {}
  }
}
