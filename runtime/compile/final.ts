// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { byFlag, type CompileContext, hasFlag, inheritsMounts, origin } from './context.ts'
import { compileHostname } from './hostname.ts'
import { compileMaskedPaths } from './masked-paths.ts'
import { compileLateReadonly } from './mounts.ts'
import { compileReadonlyPaths } from './readonly-paths.ts'
import { compileRootAttributes, type StagedOps } from './rootfs.ts'
import { compileSysctl } from './sysctl.ts'

const WITHOUT_PIVOT = 1

/** The last steps on the container's file systems and names. ORDER: after the hooks that see the host's mounts. */
export function compileFinal(context: CompileContext): StagedOps {
  const masks = compileMaskedPaths(context)
  return {
    prepare: masks.prepare,
    setup: [
      compilePivot(context),
      ...compileLateReadonly(context),
      ...compileHostname(context),
      ...compileSysctl(context),
      ...compileReadonlyPaths(context),
      // After readonlyPaths: what is hidden below one of them stays hidden.
      ...masks.setup,
      ...compileRootAttributes(context),
    ],
  }
}

function compilePivot(context: CompileContext): Op {
  const { request, spec } = context
  if (inheritsMounts(context)) {
    return { kind: 'pivot', flags: WITHOUT_PIVOT, ...origin('/linux/namespaces', 'no mount namespace') }
  }
  return hasFlag(request, 'no-pivot')
    ? { kind: 'pivot', flags: WITHOUT_PIVOT, ...byFlag('no-pivot') }
    : { kind: 'pivot', flags: 0, ...origin('/root/path', spec.root?.path) }
}
