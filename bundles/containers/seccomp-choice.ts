// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { release } from 'node:os'
import type { LinuxSeccomp } from '../../spec/runtime/seccomp.ts'
import { DockError } from '../error.ts'
import { hostPlatform } from '../images/platform.ts'
import { defaultCapabilities, type HostFacts } from './container-spec.ts'
import { capabilities } from './options/values.ts'
import type { ContainerRecord } from './record.ts'
import { defaultSeccomp, parseSeccompProfile } from './seccomp.ts'
import { parseSecurity } from './security.ts'

/** The filter of system calls that a container gets; undefined: none. Errors: DockError. */
export async function seccompOf({ hostConfig }: ContainerRecord, host: HostFacts): Promise<LinuxSeccomp | undefined> {
  const { seccomp } = parseSecurity(hostConfig.SecurityOpt)
  if (seccomp === 'unconfined' || (seccomp === undefined && hostConfig.Privileged)) return undefined
  const target = {
    architecture: hostPlatform().architecture,
    kernel: release(),
    capabilities: hostConfig.Privileged
      ? host.allCapabilities
      : capabilities(defaultCapabilities, host.allCapabilities, hostConfig.CapAdd, hostConfig.CapDrop),
  }
  if (seccomp === undefined) return defaultSeccomp(target)
  const text = await readFile(seccomp.file, 'utf8').catch((e: NodeJS.ErrnoException) => {
    throw new DockError(`opening seccomp profile (${seccomp.file}) failed: ${e.code}`, { exitCode: 125 })
  })
  return parseSeccompProfile(text, seccomp.file, target)
}
