// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, cleanPath, origin } from './context.ts'

/** Makes paths read-only, with all that is mounted below; an absent one needs nothing. Spec: config-linux.md#readonly-paths */
export function compileReadonlyPaths({ linux }: CompileContext): Op[] {
  return (linux.readonlyPaths ?? []).map((path, index): Op => {
    const item = origin(`/linux/readonlyPaths/${index}`, path)
    return { kind: 'readonly-path', path: cleanPath(path), ...item, tolerate: ['ENOENT'] }
  })
}
