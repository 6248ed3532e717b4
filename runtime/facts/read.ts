// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { machine, release } from 'node:os'
import { TsrunError } from '../../spec/error.ts'
import { errnoText } from '../state/errno-text.ts'
import { toLsmList } from './decode-request.ts'
import type { HostFacts } from './request.ts'

/** What concerns the one process that a service manager started does not concern what a library makes. */
const environmentNames = ['XDG_RUNTIME_DIR'] as const

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (e: unknown) {
    throw new TsrunError('host', `read "${path}" (is /proc mounted?): ${errnoText(e)}`, { cause: e })
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\n+$/, '')
  } catch {
    return undefined
  }
}

/** Security modules that can label a process. */
function readLsm(): readonly string[] {
  const active = readOptional('/sys/kernel/security/lsm')
  if (active !== undefined && active !== '') return toLsmList(active)
  const found: string[] = []
  if (readOptional('/sys/module/apparmor/parameters/enabled')?.startsWith('Y')) found.push('apparmor')
  if (existsSync('/sys/fs/selinux/status')) found.push('selinux')
  return found
}

/**
 * What the C front tells the planner about the host, read by this process about itself.
 * NOTIFY_SOCKET and LISTEN_FDS are left out. Errors: host.
 */
export function readFacts(): HostFacts {
  const env = new Map<string, string>()
  for (const name of environmentNames) {
    const value = process.env[name]
    if (value !== undefined) env.set(name, value)
  }
  return {
    time: new Date().toISOString().replace('Z', '000000Z'),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    cwd: process.cwd(),
    umask: process.umask(),
    kernel: release(),
    machine: machine(),
    cgroup: readProc('/proc/self/cgroup'),
    mountinfo: readProc('/proc/self/mountinfo'),
    uidMap: readProc('/proc/self/uid_map'),
    gidMap: readProc('/proc/self/gid_map'),
    cgroupControllers:
      readOptional('/sys/fs/cgroup/cgroup.controllers') ?? readOptional('/sys/fs/cgroup/unified/cgroup.controllers'),
    lsm: readLsm(),
    env,
  }
}
