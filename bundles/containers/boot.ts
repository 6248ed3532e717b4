// SPDX-License-Identifier: Apache-2.0
// After the machine has been booted: starts the containers that are to run always.

import { messageOf } from '../error.ts'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { startContainer } from './start.ts'

const runs = ({ state }: Container): boolean => state.status === 'running' || state.status === 'restarting'

/** Whether a container is one of them. One that was never started is not: that is left to its user. */
export function startsAtBoot(container: Container, wasStopped: boolean): boolean {
  if (runs(container) || container.state.startedAt === '') return false
  const { Name } = container.record.hostConfig.RestartPolicy
  return Name === 'always' || (Name === 'unless-stopped' && !wasStopped)
}

/** Texts that name containers whose namespaces it joins: these have to run first. */
function partnersOf({ record: { hostConfig } }: Container): readonly string[] {
  return [hostConfig.NetworkMode, hostConfig.PidMode, hostConfig.IpcMode].flatMap((mode) =>
    mode.startsWith('container:') ? [mode.slice('container:'.length)] : [],
  )
}

const isNamed = ({ record }: Container, text: string): boolean => record.name === text || record.id.startsWith(text)

/** In an order in which each comes after those that it needs. In a ring nobody is first: the runtime says so. */
export function inOrder(containers: readonly Container[]): readonly Container[] {
  const ordered: Container[] = []
  let left = containers
  while (left.length > 0) {
    const ready = left.filter((one) =>
      partnersOf(one).every((text) => !left.some((other) => other !== one && isNamed(other, text))),
    )
    if (ready.length === 0) return [...ordered, ...left]
    ordered.push(...ready)
    left = left.filter((one) => !ready.includes(one))
  }
  return ordered
}

/** Starts them, the oldest first. One that does not start is told, and the others are. Returns whether all have been. */
export async function startAll(
  storage: Storage,
  told: { started(container: Container): void; failed(container: Container, why: string): void },
): Promise<boolean> {
  const wanted: Container[] = []
  for (const one of (await storage.containers.list()).toReversed()) {
    if (startsAtBoot(one, await storage.containers.wasStopped(one.record.id))) wanted.push(one)
  }
  let all = true
  for (const one of inOrder(wanted)) {
    try {
      const status = await startContainer(storage, one.record.id, { attach: undefined })
      if (status !== 0) throw new Error(`it was not started (status ${status})`)
      told.started(one)
    } catch (e: unknown) {
      told.failed(one, messageOf(e))
      all = false
    }
  }
  return all
}
