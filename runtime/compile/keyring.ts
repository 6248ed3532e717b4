// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { byRuntime, type CompileContext } from './context.ts'

/** A session keyring of the container's own, so that it sees no key of the caller. `exec` joins it by its name. */
export function compileKeyring({ request }: CompileContext, keep: boolean): Op[] {
  if (keep) return []
  return [
    {
      kind: 'keyring',
      name: `_ses.${request.id}`,
      ...byRuntime('session keyring'),
      // Kernels can be built without keys, and an outer seccomp filter usually forbids them.
      tolerate: ['ENOSYS', 'EPERM'],
    },
  ]
}
