// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, cleanPath, origin } from './context.ts'

/** Makes paths read-only, with all that is mounted below; an absent one needs nothing. Spec: config-linux.md#readonly-paths */
export function compileReadonlyPaths({ linux }: CompileContext): Op[] {
  const ops: Op[] = []
  for (const [index, path] of (linux.readonlyPaths ?? []).entries()) {
    const item = origin(`/linux/readonlyPaths/${index}`, path)
    ops.push({ kind: 'readonly-path', path: cleanPath(path), ...item, tolerate: ['ENOENT'] })
  }
  return ops
}
