// SPDX-License-Identifier: Apache-2.0
import type { Op } from '../plan/ops.ts'
import { type CompileContext, origin } from './context.ts'

const OVER_DEV_CONSOLE = 1

/** The terminal of the container's init, also at /dev/console. ORDER: after mounts and devices. Spec: config.md#process */
export function compileConsole({ process }: CompileContext): Op[] {
  if (process.terminal !== true) return []
  const { height: rows = 0, width: columns = 0 } = process.consoleSize ?? {}
  return [{ kind: 'console', rows, columns, flags: OVER_DEV_CONSOLE, ...origin('/process/terminal') }]
}
