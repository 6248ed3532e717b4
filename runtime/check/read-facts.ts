// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { parseCgroupLayout } from '../cgroups/hierarchies.ts'
import { readFacts } from '../facts/read.ts'
import { askFront } from '../lifecycle/ask-front.ts'
import type { CheckFacts } from './finding.ts'

type Programs = Map<string, { path: string; privileged: boolean; version: string }>

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function readNumber(path: string): number | undefined {
  const text = read(path).trim()
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function onPath(name: string): string | undefined {
  const directories = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .find(existsSync)
}

function isSetuid(path: string): boolean {
  return (statSync(path).mode & 0o4000) !== 0
}

function versionOf(path: string): string {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 5000 })
  return /\d+\.\d[\w.-]*/.exec(stdout ?? '')?.[0] ?? ''
}

function findPrograms(libexec: string): Programs {
  const programs: Programs = new Map()
  for (const name of ['newuidmap', 'newgidmap', 'criu']) {
    const path = onPath(name)
    if (path === undefined) continue
    programs.set(name, { path, privileged: isSetuid(path), version: name === 'criu' ? versionOf(path) : '' })
  }
  const compiler = join(libexec, 'tsrun-seccomp')
  if (existsSync(compiler)) programs.set('tsrun-seccomp', { path: compiler, privileged: false, version: '' })
  return programs
}

/** What the C program has tried, by kind. */
function probe(programs: Programs, executable: string | undefined) {
  const kinds: Readonly<Record<string, Map<string, string>>> = {
    syscall: new Map(),
    userns: new Map(),
    filecaps: new Map(),
  }
  const paths = [...programs.values()].map(({ path }) => path)
  for (const line of askFront('probe', executable, paths).split('\n')) {
    const [kind = '', name = '', errno = ''] = line.split(' ')
    kinds[kind]?.set(name, errno)
  }
  for (const program of programs.values()) program.privileged ||= kinds['filecaps']?.get(program.path) === '0'
  return { calls: kinds['syscall'] ?? new Map(), userns: kinds['userns'] ?? new Map() }
}

/** Ids that a file like /etc/subuid gives a user, by name or number. */
export function countSubordinate(text: string, user: string, uid: number): number {
  let count = 0
  for (const line of text.split('\n')) {
    const [owner = '', , size = ''] = line.split(':')
    if ((owner === user || owner === String(uid)) && /^\d+$/.test(size)) count += Number(size)
  }
  return count
}

function userName(uid: number): string {
  const entry = read('/etc/passwd')
    .split('\n')
    .find((line) => line.split(':')[2] === String(uid))
  return entry?.split(':')[0] ?? String(uid)
}

function controllersOf(directory: string): readonly string[] | undefined {
  const path = `${directory}/cgroup.controllers`
  return existsSync(path) ? read(path).split(/\s+/).filter(Boolean) : undefined
}

/** Directories in which the cgroups of a container without cgroupsPath are made. */
function cgroupParents(mountinfo: string, selfCgroup: string): readonly string[] {
  const { mode, hierarchies } = parseCgroupLayout(mountinfo, selfCgroup)
  return hierarchies.map(({ mountPoint, own }) => `${mountPoint}${mode === 'v2' && own !== '' ? dirname(own) : own}`)
}

function delegatedTo(uid: number, parents: readonly string[]): readonly string[] | undefined {
  const service = `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service`
  return controllersOf(service) ?? controllersOf(parents[0] ?? '')
}

/** The directory, or the next one above that is there, can be written to. */
function isUsable(path: string): boolean {
  let at = path
  while (!existsSync(at) && at !== '/') at = dirname(at)
  return canWrite(at)
}

/** Looks at everything that a check judges. `libexec` is where the programs of tsrun are. Errors: host. */
export function readCheckFacts(stateRoot: string, libexec: string, executable?: string | undefined): CheckFacts {
  const host = readFacts()
  const programs = findPrograms(libexec)
  const { calls, userns } = probe(programs, executable)
  const user = userName(host.uid)
  const parents = cgroupParents(host.mountinfo, host.cgroup)
  const status = read('/proc/self/status')
  return {
    uid: host.uid,
    user,
    kernel: release(),
    nested: !/^\s*0\s+0\s+4294967295\s*$/.test(host.uidMap),
    calls,
    userns,
    mountinfo: host.mountinfo,
    selfCgroup: host.cgroup,
    delegated: delegatedTo(host.uid, parents),
    controllers: controllersOf('/sys/fs/cgroup') ?? [],
    cgroupWritable: parents.length > 0 && parents.every(canWrite),
    capabilities: BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? '0'}`),
    lastCapability: readNumber('/proc/sys/kernel/cap_last_cap') ?? 40,
    sysctls: {
      maxUserns: readNumber('/proc/sys/user/max_user_namespaces'),
      unprivilegedUserns: readNumber('/proc/sys/kernel/unprivileged_userns_clone'),
      apparmorUserns: readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    },
    programs,
    subordinate: {
      uids: countSubordinate(read('/etc/subuid'), user, host.uid),
      gids: countSubordinate(read('/etc/subgid'), user, host.uid),
    },
    lsm: host.lsm,
    seccompActions: read('/proc/sys/kernel/seccomp/actions_avail').split(/\s+/).filter(Boolean),
    filesystems: read('/proc/filesystems')
      .split(/\s+/)
      .filter((word) => word !== '' && word !== 'nodev'),
    systemd: existsSync('/run/systemd/system'),
    bus: {
      system: existsSync('/run/dbus/system_bus_socket'),
      session: existsSync(`${process.env['XDG_RUNTIME_DIR'] ?? '/nonexistent'}/bus`),
    },
    stateRoot: { path: stateRoot, writable: isUsable(stateRoot) },
  }
}
