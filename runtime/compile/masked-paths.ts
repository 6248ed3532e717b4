// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, cleanPath, origin } from './context.ts'
import { unshareTree } from './mount-attributes.ts'
import type { StagedOps } from './rootfs.ts'

/**
 * Hides paths; one that is absent has nothing to hide. What covers files is the host's /dev/null, checked to be that
 * device: what the image has at its place is nobody's to trust (CVE-2025-31133).
 * Spec: config-linux.md#masked-paths
 */
export function compileMaskedPaths(context: CompileContext): StagedOps {
  const paths = context.linux.maskedPaths ?? []
  if (paths.length === 0) return { prepare: [], setup: [] }
  const devNull = context.slots.next()
  const from = origin('/linux/maskedPaths')
  const setup: Op[] = []
  // Engines add theirs to those of the user: one cover is enough.
  const seen = new Set<string>()
  for (const [index, given] of paths.entries()) {
    const path = cleanPath(given)
    if (seen.has(path)) continue
    seen.add(path)
    const item = origin(`/linux/maskedPaths/${index}`, path)
    setup.push({ kind: 'mask-path', path, devNull, ...item, tolerate: ['ENOENT'] })
  }
  return {
    prepare: [
      { kind: 'open-char', path: '/dev/null', major: 1, minor: 3, slot: devNull, ...from },
      unshareTree(devNull, from),
    ],
    setup,
  }
}
