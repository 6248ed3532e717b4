// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

/** PER_* of <linux/personality.h>. */
export const PERSONALITY = { LINUX: 0x0, LINUX32: 0x8 } as const

/** Spec: config-linux.md#personality */
export function compilePersonality({ linux }: CompileContext): Op[] {
  const { personality } = linux
  if (personality === undefined) return []
  return [
    {
      kind: 'personality',
      domain: PERSONALITY[personality.domain],
      ...origin('/linux/personality', personality.domain),
    },
  ]
}
