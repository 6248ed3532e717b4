// SPDX-License-Identifier: Apache-2.0
import { readIfPossible, writeSetting } from './write-limits.ts'

const TIMEOUT_MS = 2000
const STEP_MS = 5

/**
 * Does something while no process of a container runs. On cgroup v1, systemd takes all device rules of a unit away and sets
 * them anew whenever a property changes: in between, processes would open what they may not, or nothing at all. A container
 * that is paused stays so; one whose processes do not stop in time is not waited for any longer. freezerFile: of a plan; nothing
 * is stopped where it is not v1's, as device rules of v2 are exchanged in one step.
 */
export function whileFrozen<T>(freezerFile: string, work: () => T): T {
  const state = (): string | undefined => readIfPossible(freezerFile)?.trim()
  if (!freezerFile.endsWith('/freezer.state') || state() !== 'THAWED') return work()
  try {
    writeSetting(freezerFile, 'FROZEN')
    for (let waited = 0; waited < TIMEOUT_MS && state() === 'FREEZING'; waited += STEP_MS) sleep(STEP_MS)
    return work()
  } finally {
    writeSetting(freezerFile, 'THAWED')
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
