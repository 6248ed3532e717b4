// SPDX-License-Identifier: Apache-2.0
import type { Json } from './bundle.ts'

/** What `probe report` prints. */
export interface Report {
  readonly pid: number
  readonly ppid: number
  readonly pgrp: number
  readonly sid: number
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  /** Lines of /proc/self/status. */
  readonly status: Readonly<Record<string, string>>
  readonly umask: number
  readonly oomScoreAdj: string | null
  readonly cwd: string | null
  readonly env: readonly string[]
  readonly args: readonly string[]
  readonly fds: Readonly<Record<string, string>> | null
  readonly namespaces: Readonly<Record<string, string>> | null
  readonly mountinfo: readonly string[] | null
  readonly cgroup: readonly string[] | null
  readonly uidMap: readonly string[] | null
  readonly gidMap: readonly string[] | null
  readonly setgroups: string | null
  readonly timeOffsets: readonly string[] | null
  readonly label: string | null
  readonly hostname: string
  readonly domainname: string
  readonly machine: string
  readonly personality: number
  readonly dumpable: number
  readonly rlimits: Readonly<Record<string, readonly [string, string]>>
  readonly scheduler: Readonly<Record<string, number>>
  readonly ioPriority: number
  readonly cpuCount: number
  /** mode with its flags; nodes: a mask. -1 where the kernel has none. */
  readonly memoryPolicy: { readonly mode: number; readonly nodes: number }
  readonly keyring: number
  readonly keyringText: string | null
  readonly tty: {
    readonly rows: number
    readonly columns: number
    readonly stdout: boolean
    readonly foreground: number
    readonly name: string
  } | null
}

/** One attempt of the probe. */
export interface Attempt extends Json {
  readonly try: string
  readonly ret: number
  readonly errno: string
}

/** The attempts that `probe NAME ... , NAME ...` printed. */
export function parseAttempts(text: string): readonly Attempt[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{"try"'))
    .map((line) => JSON.parse(line) as Attempt)
}

/** One line of mountinfo. */
export interface MountLine {
  readonly id: string
  readonly parent: string
  readonly root: string
  readonly target: string
  readonly options: readonly string[]
  /** shared:N, master:N, unbindable ... */
  readonly propagation: readonly string[]
  readonly type: string
  readonly source: string
  readonly superOptions: readonly string[]
}

/** Parses a line of mountinfo. */
export function parseMountLine(line: string): MountLine {
  const fields = line.split(' ')
  const dash = fields.indexOf('-', 6)
  return {
    id: fields[0] ?? '',
    parent: fields[1] ?? '',
    root: fields[3] ?? '',
    target: fields[4] ?? '',
    options: (fields[5] ?? '').split(','),
    propagation: fields.slice(6, dash),
    type: fields[dash + 1] ?? '',
    source: fields[dash + 2] ?? '',
    superOptions: (fields[dash + 3] ?? '').split(','),
  }
}

/** The topmost mount at a path, or undefined. */
export function findMount(report: Report, target: string): MountLine | undefined {
  return report.mountinfo?.map(parseMountLine).findLast((mount) => mount.target === target)
}

const capabilityNames =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'

/** Names of all capabilities, by number. */
export const capabilities: readonly string[] = capabilityNames.split(' ').map((name) => `CAP_${name}`)

/** Names in a hexadecimal set of /proc/PID/status. */
export function capabilitySet(hex: string | undefined): readonly string[] {
  const bits = BigInt(`0x${hex ?? '0'}`)
  return capabilities.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n)
}
