// SPDX-License-Identifier: Apache-2.0

import { DockError } from '../../../bundles/error.ts'
import type { CommandInvocation } from '../command.ts'

/** `tsdock unshare`: this process is in the user's namespaces already; root has none. */
export async function runUnshare({ positionals }: CommandInvocation): Promise<number> {
  const words = positionals.length > 0 ? positionals : [process.env['SHELL'] ?? '/bin/sh']
  if (process.execve === undefined) throw new DockError('this build of Bun has no execve')
  // It searches PATH, and says what it does not find.
  return process.execve('/usr/bin/env', ['env', '--', ...words], process.env)
}
