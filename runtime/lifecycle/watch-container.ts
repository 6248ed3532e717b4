// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from 'node:timers/promises'
import { TsrunError } from '../../spec/error.ts'
import { readContainer, type StoredContainer } from '../state/container.ts'
import { isProcessAlive } from '../state/process-stat.ts'
import { readStatePaths } from './container-cgroups.ts'
import { type ContainerStats, countOomKills, readStats } from './container-stats.ts'

/** What happens to a container. */
export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: ContainerStats }
  /** The kernel has killed a process for want of memory. */
  | { readonly type: 'oom'; readonly id: string }

/**
 * Between two looks at the container. The files that tell of its memory are no longer there once somebody has deleted it,
 * so this is also how long such a somebody has to take for its last event not to be missed.
 */
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

/** Tells of events until the container ends, or `tell` returns false. Errors: state. */
export async function watchContainer(
  container: StoredContainer,
  intervalMs: number,
  tell: (event: ContainerEvent) => boolean,
): Promise<void> {
  const { id, pid, startTime } = container
  // Read now: they are gone when somebody has deleted the container.
  const paths = readStatePaths(container).cgroups
  let kills = countOomKills(paths)
  let next = performance.now() + intervalMs
  for (;;) {
    await setTimeout(Math.max(0, Math.min(LOOK_MS, next - performance.now())))
    const alive = isProcessAlive(pid, startTime)
    const now = countOomKills(paths)
    if (now > kills && !tell({ type: 'oom', id })) return
    if (now > kills) kills = now
    if (!alive) return
    if (performance.now() < next) continue
    if (!tell({ type: 'stats', id, data: readStats(container, paths) })) return
    next = Math.max(next + intervalMs, performance.now())
  }
}
