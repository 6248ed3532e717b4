// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import type { LinuxSeccomp } from '../../spec/runtime/seccomp.ts'
import { DockError } from '../error.ts'
import type { HostFacts } from './container-spec.ts'
import type { ContainerRecord } from './record.ts'
import { parseSecurity } from './security.ts'

/** The filter of system calls that a container gets; undefined: none. Errors: DockError. */
export async function seccompOf(record: ContainerRecord, _host: HostFacts): Promise<LinuxSeccomp | undefined> {
  const { seccomp } = parseSecurity(record.hostConfig.SecurityOpt)
  if (seccomp === 'unconfined' || (seccomp === undefined && record.hostConfig.Privileged)) return undefined
  if (seccomp === undefined) return undefined
  const text = await readFile(seccomp.file, 'utf8').catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`opening seccomp profile (${seccomp.file}) failed: ${e.code}`, { exitCode: 125 })
  })
  try {
    return JSON.parse(text) as LinuxSeccomp
  } catch {
    throw new DockError(`compacting json for seccomp profile (${seccomp.file}) failed: it is no JSON`, {
      exitCode: 125,
    })
  }
}
