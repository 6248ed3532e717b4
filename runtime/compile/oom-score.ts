// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

/** Written by the front: a lower value than the caller's takes CAP_SYS_RESOURCE on the host. Spec: config.md#linux-process */
export function compileOomScore({ process, rootless }: CompileContext): Op[] {
  if (process.oomScoreAdj === undefined) return []
  const text = String(process.oomScoreAdj)
  return [
    {
      kind: 'write-pid-file',
      name: 'oom_score_adj',
      data: text,
      ...origin('/process/oomScoreAdj', text),
      // Engines ask for the caller's own value or less for each container of theirs, and mean no harm by it.
      ...(rootless ? { tolerate: ['EPERM'] } : {}),
    },
  ]
}
