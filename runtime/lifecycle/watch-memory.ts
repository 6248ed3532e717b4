// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { findExecutable } from './find-executable.ts'

/** A look-out for want of memory. */
export interface MemoryWatch {
  /** Whatever has happened has been told when this resolves. */
  readonly stop: () => Promise<void>
}

/**
 * Calls `tell` each time that a memory cgroup runs out of memory. Node can wait neither for eventfd(2) nor, on this kind of file
 * system, well for inotify(7): the C program does. Resolves to undefined where that is not possible.
 */
export async function watchMemory(
  directory: string,
  executable: string | undefined,
  tell: () => void,
): Promise<MemoryWatch | undefined> {
  const child = spawn(findExecutable(executable ?? process.env['TSRUN_FRONT']), ['oom', directory], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const closed = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  child.stdin.on('error', () => undefined)
  let pending = ''
  let begun: (watching: boolean) => void = () => undefined
  const watching = new Promise<boolean>((resolve) => {
    begun = resolve
  })
  void closed.then(() => begun(false))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'oom') tell()
      else begun(true)
    }
  })
  if (!(await watching)) return undefined
  return {
    stop: () => {
      child.stdin.end()
      return closed
    },
  }
}
