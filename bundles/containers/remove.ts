// SPDX-License-Identifier: Apache-2.0
// Removes containers, with all that is theirs.

import { DockError } from '../error.ts'
import type { Storage } from '../storage.ts'
import { forgetContainer } from './clean.ts'
import type { Container } from './container-store.ts'
import { stopContainer } from './stop.ts'

export interface RemoveOptions {
  /** Ends it first. */
  readonly force?: boolean
  /** Its volumes without a name go, too. */
  readonly volumes?: boolean
}

const SIGKILL = 9

function refuse({ record, state, paused }: Container): never {
  const what = paused
    ? 'paused and must be unpaused first'
    : `${state.status}: stop the container before removing or force remove`
  throw new DockError(`cannot remove container "/${record.name}": container is ${what}`)
}

const runs = ({ state }: Container): boolean => state.status === 'running' || state.status === 'restarting'

/** Errors: it runs, and is not to be forced. */
export async function removeContainer(
  storage: Storage,
  container: Container,
  options: RemoveOptions = {},
): Promise<void> {
  const { record } = container
  if (runs(container)) {
    if (options.force !== true) refuse(container)
    // Not under the lock: what its monitor does at the end needs that.
    await stopContainer(storage, container, { timeout: 0, signal: SIGKILL })
  }
  if ((await storage.containers.read(record.id)) === undefined) return
  const held = await storage.containers.lock(record.id)
  try {
    const now = await storage.containers.read(record.id)
    if (now === undefined) return
    if (runs(now)) refuse(now)
    await forgetContainer(storage, now.record, { volumes: options.volumes === true })
  } finally {
    await held.release()
  }
}
