// SPDX-License-Identifier: Apache-2.0
// Waits for the ends of containers.

import { type FSWatcher, watch } from 'node:fs'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { lastExitCode } from './event-reader.ts'

export const waitConditions = ['not-running', 'next-exit', 'removed'] as const
export type WaitCondition = (typeof waitConditions)[number]

/** Milliseconds: what no change of a file tells (a monitor that was killed) is seen that late. */
const POLL = 200

const runs = ({ state }: Container): boolean => state.status === 'running' || state.status === 'restarting'

/** Wakes when something in a directory changes, or after a while. */
class Watcher {
  #watcher: FSWatcher | undefined
  #wake: () => void = () => undefined
  #hasChanged = false

  constructor(directory: string) {
    try {
      this.#watcher = watch(directory, () => {
        this.#hasChanged = true
        this.#wake()
      })
      // It may be removed: then there is nothing to hear any more.
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // It is gone already, or there are too many watches: looking now and then is enough.
    }
  }

  async change(): Promise<void> {
    if (!this.#hasChanged) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#hasChanged = false
  }

  close(): void {
    this.#watcher?.close()
  }
}

/** Whether it has come to what is waited for. first: as it was when the waiting began. */
function isReached(condition: WaitCondition, first: Container, now: Container): boolean {
  if (condition === 'removed') return false
  // Also when it was started again at once: it has ended between two looks.
  const hasEnded = now.state.finishedAt !== first.state.finishedAt
  return condition === 'next-exit' ? hasEnded : hasEnded || !runs(now)
}

/** Returns the exit code that a container ended with. */
export async function waitForContainer(storage: Storage, id: string, condition: WaitCondition): Promise<number> {
  const first = await storage.containers.find(id)
  const watcher = new Watcher(storage.containers.path(first.record.id))
  try {
    // What has changed before the watch began is seen at this look.
    for (let last = first; ; await watcher.change()) {
      const now = await storage.containers.read(first.record.id)
      if (now === undefined) {
        // It ended and was removed between two looks; the log of events knows how.
        return (await lastExitCode(storage, first.record.id)) ?? last.state.exitCode
      }
      if (isReached(condition, first, now)) return now.state.exitCode
      last = now
    }
  } finally {
    watcher.close()
  }
}
