// SPDX-License-Identifier: Apache-2.0
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeSpec } from '../../runtime/lifecycle/make-spec.ts'
import { errnoText, hasErrno } from '../../runtime/state/errno-text.ts'
import type { Invocation } from './cli.ts'

/** `tsrun spec` */
export function runSpec({ text, isSet }: Invocation): number {
  const path = join(text('bundle') ?? '.', 'config.json')
  const rootless = isSet('rootless') ? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } : undefined
  const spec = makeSpec({ unified: existsSync('/sys/fs/cgroup/cgroup.controllers'), rootless })
  try {
    writeFileSync(path, JSON.stringify(spec, null, '\t'), { flag: 'wx', mode: 0o666 })
  } catch (e: unknown) {
    if (hasErrno(e, 'EEXIST')) throw new Error('File config.json exists. Remove it first')
    throw new Error(`open "${path}": ${errnoText(e)}`)
  }
  return 0
}
