// SPDX-License-Identifier: Apache-2.0
import { CAPABILITIES } from '../../spec/capability.ts'
import type { CheckFacts, Finding } from './finding.ts'
import { judgeCgroups } from './judge-cgroups.ts'
import { judgeUserNamespaces } from './judge-userns.ts'

/** Calls that came last: openat2 5.6, close_range 5.9, mount_setattr 5.12. */
const oldestKernel = [5, 12] as const

/** Later kernels can do more: what for, and since when. */
const kernelAdditions: readonly (readonly [major: number, minor: number, what: string])[] = [
  [5, 14, 'cgroup.kill'],
  [5, 19, 'id-mapped overlayfs'],
  [6, 3, 'id-mapped tmpfs'],
]

/** Everything about a host, in the order in which it is printed. Pure. */
export function judgeHost(facts: CheckFacts): readonly Finding[] {
  return [
    judgeKernel(facts),
    judgeCalls(facts),
    judgeCapabilities(facts),
    judgeStateRoot(facts),
    ...judgeCgroups(facts),
    ...judgeUserNamespaces(facts),
    ...judgeSeccomp(facts),
    judgeLsm(facts),
    ...judgeServices(facts),
    ...judgeFilesystems(facts),
  ]
}

/** Containers can be run. */
export function canRun(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== 'missing')
}

function isAtLeast(kernel: string, major: number, minor: number): boolean {
  const [have = 0, haveMinor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  return have > major || (have === major && haveMinor >= minor)
}

function judgeKernel({ kernel }: CheckFacts): Finding {
  const found = `Linux ${kernel}`
  if (!isAtLeast(kernel, ...oldestKernel)) {
    return { name: 'kernel', status: 'missing', found, advice: `use Linux ${oldestKernel.join('.')} or newer` }
  }
  const lacking = kernelAdditions.filter(([major, minor]) => !isAtLeast(kernel, major, minor))
  if (lacking.length === 0) return { name: 'kernel', status: 'ok', found }
  const what = lacking.map(([major, minor, name]) => `${name} (${major}.${minor})`).join(', ')
  return { name: 'kernel', status: 'degraded', found, advice: `newer ones have ${what}` }
}

function judgeCalls({ calls }: CheckFacts): Finding {
  const refused = [...calls].filter(([, errno]) => errno !== '0').map(([name]) => name)
  if (refused.length === 0) return { name: 'system calls', status: 'ok', found: `all ${calls.size} that are needed` }
  const only = refused.every((name) => name === 'seccomp' || name === 'bpf')
  return {
    name: 'system calls',
    status: only ? 'degraded' : 'missing',
    found: `not allowed or not there: ${refused.join(' ')}`,
    advice: 'a filter of seccomp around this process may refuse them: allow them in its profile',
  }
}

const SYS_ADMIN = 21

function judgeCapabilities({ uid, nested, capabilities, lastCapability }: CheckFacts): Finding {
  const name = 'capabilities'
  if (uid !== 0) return { name, status: 'ok', found: 'none; a user namespace gives them' }
  const lacking: number[] = []
  for (let number = 0; number <= lastCapability; number++) {
    if (((capabilities >> BigInt(number)) & 1n) === 0n) lacking.push(number)
  }
  if (lacking.length === 0) return { name, status: 'ok', found: 'all' }
  const found = `without ${lacking.map((number) => CAPABILITIES[number] ?? `capability ${number}`).join(' ')}`
  if (lacking.includes(SYS_ADMIN)) {
    return { name, status: 'missing', found, advice: 'run it with CAP_SYS_ADMIN, or as a user without root' }
  }
  return {
    name,
    status: nested ? 'ok' : 'degraded',
    found,
    ...(nested ? {} : { advice: 'containers get what is left of those that their config.json asks for' }),
  }
}

function judgeStateRoot({ stateRoot }: CheckFacts): Finding {
  const name = 'state root'
  if (stateRoot.writable) return { name, status: 'ok', found: stateRoot.path }
  const advice = 'give a directory that can be written to: --root, or XDG_RUNTIME_DIR for a user without root'
  return { name, status: 'missing', found: `${stateRoot.path} cannot be written to`, advice }
}

function judgeSeccomp({ seccompActions, programs }: CheckFacts): readonly Finding[] {
  const helper = programs.get('tsrun-seccomp')
  const kernel: Finding =
    seccompActions.length > 0
      ? { name: 'seccomp', status: 'ok', found: seccompActions.join(' ') }
      : {
          name: 'seccomp',
          status: 'degraded',
          found: 'the kernel has no filters',
          advice: 'leave linux.seccomp out, or use a kernel with CONFIG_SECCOMP_FILTER',
        }
  const compiler: Finding = helper
    ? { name: 'tsrun-seccomp', status: 'ok', found: helper.path }
    : {
        name: 'tsrun-seccomp',
        status: 'degraded',
        found: 'not beside tsrun-plan',
        advice: 'install it (npm run install:system): profiles are compiled by it',
      }
  return [kernel, compiler]
}

function judgeLsm({ lsm }: CheckFacts): Finding {
  const labels = lsm.filter((name) => name === 'apparmor' || name === 'selinux')
  return labels.length > 0
    ? { name: 'security modules', status: 'ok', found: labels.join(' ') }
    : { name: 'security modules', status: 'absent', found: 'neither AppArmor nor SELinux' }
}

function judgeServices({ systemd, bus, uid, programs }: CheckFacts): readonly Finding[] {
  const reachable = uid === 0 ? bus.system : bus.session
  const which = uid === 0 ? 'system' : 'session'
  const criu = programs.get('criu')
  const dbus: Finding = reachable
    ? { name: 'systemd', status: 'ok', found: `with the ${which} bus` }
    : {
        name: 'systemd',
        status: 'degraded',
        found: `without the ${which} bus`,
        advice: uid === 0 ? 'install dbus' : 'install dbus-user-session, and log in anew',
      }
  return [
    systemd ? dbus : { name: 'systemd', status: 'absent', found: 'not the init of this host' },
    criu
      ? { name: 'criu', status: 'ok', found: `${criu.version || 'unknown version'} (${criu.path})` }
      : { name: 'criu', status: 'absent', found: 'not on PATH; checkpoint and restore need it' },
  ]
}

function judgeFilesystems({ filesystems, mountinfo }: CheckFacts): readonly Finding[] {
  const overlay: Finding = filesystems.includes('overlay')
    ? { name: 'overlay', status: 'ok', found: 'there' }
    : {
        name: 'overlay',
        status: 'absent',
        found: 'not in /proc/filesystems',
        advice: 'engines lay root file systems out with it: modprobe overlay',
      }
  const mounted = mountinfo.includes(' - resctrl ')
  const resctrl: Finding = mounted
    ? { name: 'resctrl', status: 'ok', found: 'mounted' }
    : {
        name: 'resctrl',
        status: 'absent',
        found: filesystems.includes('resctrl') ? 'not mounted; linux.intelRdt needs it' : 'not in this kernel',
      }
  return [overlay, resctrl]
}
