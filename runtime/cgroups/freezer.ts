// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import type { ContainerCgroup } from './cgroup-plan.ts'

const TIMEOUT_MS = 10_000

/** Ops that stop and continue all processes of a cgroup, and the file that tells which it is. */
export function compileFreezer(cgroup: ContainerCgroup): {
  file: string
  pause: readonly Op[]
  resume: readonly Op[]
} {
  const { directory, hierarchy } = cgroup
  const v2 = hierarchy.version === 2
  if (!v2 && !hierarchy.controllers.includes('freezer')) return { file: '', pause: [], resume: [] }
  const file = `${directory}/${v2 ? 'cgroup.freeze' : 'freezer.state'}`
  const freeze: Op = {
    kind: 'write-file',
    path: file,
    data: v2 ? '1' : 'FROZEN',
    cause: 'runtime',
    label: 'pause',
  }
  // Reading freezer.state is also what makes v1 look whether the last process has stopped.
  const wait: Op = {
    kind: 'wait-file',
    path: v2 ? `${directory}/cgroup.events` : file,
    expected: v2 ? 'frozen 1' : 'FROZEN',
    timeoutMs: TIMEOUT_MS,
    cause: 'runtime',
    label: 'pause',
  }
  const thaw: Op = {
    kind: 'write-file',
    path: file,
    data: v2 ? '0' : 'THAWED',
    cause: 'runtime',
    label: 'resume',
  }
  return { file, pause: [freeze, wait], resume: [thaw] }
}
