// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from 'node:timers/promises'
import { TsrunError } from '../../spec/error.ts'
import { controllerDirectory } from '../cgroups/compile-update.ts'
import { readContainer, type StoredContainer } from '../state/container.ts'
import { isProcessAlive } from '../state/process-stat.ts'
import { readStatePaths } from './container-cgroups.ts'
import { type ContainerStats, countOomKills, readStats } from './container-stats.ts'
import { watchMemory } from './watch-memory.ts'

/** What happens to a container. */
export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: ContainerStats }
  /** The kernel has killed a process for want of memory. */
  | { readonly type: 'oom'; readonly id: string }

/** Between two looks whether the container has ended. */
const LOOK_MS = 200

/** The container, which must not have ended. Errors: invalid-id, not-found, state, wrong-state. */
export function readLiveContainer(root: string, id: string): StoredContainer {
  const container = readContainer(root, id)
  if (container.status === 'stopped') throw new TsrunError('wrong-state', `container with id ${id} is not running`)
  return container
}

/** Statistics of a container, once. Errors: state. */
export function statsEvent(container: StoredContainer): ContainerEvent {
  return { type: 'stats', id: container.id, data: readStats(container, readStatePaths(container).cgroups) }
}

/** Tells of events until the container ends, or `tell` returns false. Errors: state, host. */
export async function watchContainer(
  container: StoredContainer,
  intervalMs: number,
  tell: (event: ContainerEvent) => boolean,
  executable?: string | undefined,
): Promise<void> {
  // Read now: they are gone when somebody has deleted the container.
  const paths = readStatePaths(container).cgroups
  let heard = true
  const tellAll = (event: ContainerEvent): void => {
    heard &&= tell(event)
  }
  const tellOom = (): void => tellAll({ type: 'oom', id: container.id })
  const memory = controllerDirectory(paths, 'memory')
  const watch = memory === undefined ? undefined : await watchMemory(memory, executable, tellOom)
  try {
    let next = performance.now() + intervalMs
    let kills = countOomKills(paths)
    while (heard) {
      await setTimeout(Math.max(0, Math.min(LOOK_MS, next - performance.now())))
      const alive = isProcessAlive(container.pid, container.startTime)
      // A user without root may not be allowed to be told: then counters are looked at.
      const now = watch === undefined ? countOomKills(paths) : kills
      if (now > kills) tellOom()
      kills = now
      if (!alive) break
      if (performance.now() < next) continue
      tellAll({ type: 'stats', id: container.id, data: readStats(container, paths) })
      next = Math.max(next + intervalMs, performance.now())
    }
  } finally {
    await watch?.stop()
  }
}
