// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync } from 'node:fs'
import { machine, release } from 'node:os'
import { TsrunError } from '../../spec/error.ts'
import { errnoText } from '../state/errno-text.ts'
import { toLsmList } from './decode-request.ts'
import type { HostFacts, SystemdFacts } from './request.ts'

/** Where hidepid hides the first process, it is not ours. */
const NOBODY = 65534

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

/** Twin of csrc/front/facts_systemd.c. */
function readSystemd(cgroup: string, uidMap: string): SystemdFacts | undefined {
  if (!existsSync('/run/systemd/system')) return undefined
  const userCgroup = /^0::(.*\/user@\d+\.service)(?:\/|$)/m.exec(cgroup)?.[1] ?? usualUserCgroup(hostUid(uidMap))
  return {
    pid1Cgroup: readOptional('/proc/1/cgroup') ?? '',
    pid1Uid: statSync('/proc/1', { throwIfNoEntry: false })?.uid ?? NOBODY,
    userCgroup,
    userControllers: readOptional(`/sys/fs/cgroup${userCgroup}/cgroup.controllers`),
  }
}

function usualUserCgroup(uid: number): string {
  return `/user.slice/user-${uid}.slice/user@${uid}.service`
}

/** Of this process, outside of its user namespace. */
function hostUid(uidMap: string): number {
  const uid = process.getuid?.() ?? 0
  for (const line of uidMap.trim().split('\n')) {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
    if (uid >= inside && uid < inside + count) return outside + uid - inside
  }
  return uid
}

/**
 * What the C front tells the planner about the host, read by this process about itself.
 * NOTIFY_SOCKET and LISTEN_FDS are left out. `systemd`: also what its cgroup driver asks for. Errors: host.
 */
export function readFacts(systemd = false): HostFacts {
  const cgroup = readProc('/proc/self/cgroup')
  const uidMap = readProc('/proc/self/uid_map')
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
    cgroup,
    mountinfo: readProc('/proc/self/mountinfo'),
    uidMap,
    gidMap: readProc('/proc/self/gid_map'),
    setgroups: readOptional('/proc/self/setgroups'),
    cgroupControllers:
      readOptional('/sys/fs/cgroup/cgroup.controllers') ?? readOptional('/sys/fs/cgroup/unified/cgroup.controllers'),
    systemd: systemd ? readSystemd(cgroup, uidMap) : undefined,
    lsm: readLsm(),
    env,
  }
}
