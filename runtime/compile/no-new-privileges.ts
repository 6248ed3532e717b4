// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import type { CompileContext } from './context.ts'
import { processOrigin } from './process-origin.ts'

/** Spec: config.md#linux-process */
export function compileNoNewPrivileges(context: CompileContext): Op[] {
  if (context.process.noNewPrivileges !== true) return []
  return [{ kind: 'no-new-privs', ...processOrigin(context, 'noNewPrivileges', 'no-new-privs') }]
}
