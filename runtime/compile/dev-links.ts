// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { byRuntime } from './context.ts'

/** Spec: runtime-linux.md#dev-symbolic-links, config-linux.md#default-devices */
const links: readonly (readonly [path: string, target: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  // Not in the specification, but old custom.
  ['/dev/core', '/proc/kcore'],
  ['/dev/ptmx', 'pts/ptmx'],
]

/** Links that every container has in /dev. */
export function compileDevLinks(): Op[] {
  const ops: Op[] = []
  for (const [path, target] of links) {
    ops.push({ kind: 'symlink', target, path, ...byRuntime(`default link ${path}`) })
  }
  return ops
}
