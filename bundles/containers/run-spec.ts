// SPDX-License-Identifier: Apache-2.0
// A container's record and what its start found, as a config.json. Pure.

import type { Spec } from '../../spec/runtime/config.ts'
import type { LinuxDevice } from '../../spec/runtime/devices.ts'
import type { Mount } from '../../spec/runtime/mounts.ts'
import type { LinuxNamespace } from '../../spec/runtime/namespaces.ts'
import type { Process } from '../../spec/runtime/process.ts'
import type { LinuxBlockIO, LinuxResources } from '../../spec/runtime/resources.ts'
import type { LinuxSeccomp } from '../../spec/runtime/seccomp.ts'
import { makeSpec } from '../../runtime/index.ts'
import { rootPropagation, withOwnMounts } from '../volumes/oci-mounts.ts'
import { defaultCapabilities, defaultPath, type HostFacts, mergeEnv, moreMasked } from './container-spec.ts'
import { capabilities } from './options/values.ts'
import type { ContainerRecord, HostConfig } from './record.ts'
import { parseSecurity, type SecurityOptions } from './security.ts'

/** What a namespace is joined by: a path, `host`, or a new one. */
export type NamespaceSource = { readonly path: string } | 'host' | 'new'

export interface Device {
  readonly device: LinuxDevice
  /** For the cgroup: some of `rwm`. */
  readonly access: string
}

/** What is known at a start only. */
export interface StartFacts {
  readonly host: HostFacts
  readonly rootfs: string
  readonly namespaces: {
    readonly network: NamespaceSource
    readonly pid: NamespaceSource
    readonly ipc: NamespaceSource
    readonly uts: NamespaceSource
  }
  /** Files for /etc: undefined where the image's own is seen. */
  readonly files: { readonly hosts?: string; readonly hostname?: string; readonly resolvConf?: string }
  /** Of volumes, binds and tmpfs. */
  readonly mounts: readonly Mount[]
  readonly devices: readonly Device[]
  /** Limits of single disks. */
  readonly blockIO: LinuxBlockIO
  /** Source of /dev/shm when it is shared. */
  readonly sharedMemory: string | undefined
  /** --init: the program on the host that becomes process 1. */
  readonly init: string | undefined
  readonly seccomp: LinuxSeccomp | undefined
  readonly hostname: string
}

const INIT = '/sbin/docker-init'
const CPU_PERIOD = 100_000

/** Variables of each container: those of the image and user stand above them. */
export function containerEnv(record: ContainerRecord, hostname: string): readonly string[] {
  const own = record.config.Env ?? []
  return mergeEnv([defaultPath, `HOSTNAME=${hostname}`, ...(record.config.Tty ? ['TERM=xterm'] : [])], own)
}

/** Kernel limits of a container; what is 0 or '' is left alone. */
export function resourcesOf(config: HostConfig): LinuxResources {
  const some = <T>(value: T): T | undefined =>
    value === 0 || value === '' || value === null || value === false ? undefined : value
  const nano = config.NanoCpus
  const memory = {
    limit: some(config.Memory),
    reservation: some(config.MemoryReservation),
    // Docker's rule: as much swap as memory, unless told otherwise.
    swap: config.MemorySwap !== 0 ? config.MemorySwap : config.Memory > 0 ? config.Memory * 2 : undefined,
    swappiness: config.MemorySwappiness ?? undefined,
    disableOOMKiller: some(config.OomKillDisable),
  }
  const cpu = {
    shares: some(config.CpuShares),
    quota: nano > 0 ? Math.round((nano * CPU_PERIOD) / 1e9) : some(config.CpuQuota),
    period: nano > 0 ? CPU_PERIOD : some(config.CpuPeriod),
    realtimePeriod: some(config.CpuRealtimePeriod),
    realtimeRuntime: some(config.CpuRealtimeRuntime),
    cpus: some(config.CpusetCpus),
    mems: some(config.CpusetMems),
  }
  return {
    ...given('memory', memory),
    ...given('cpu', cpu),
    ...(config.PidsLimit === 0 ? {} : { pids: { limit: config.PidsLimit } }),
    ...(config.BlkioWeight === 0 ? {} : { blockIO: { weight: config.BlkioWeight } }),
  }
}

function given<K extends string, T extends object>(key: K, value: T): Partial<Record<K, T>> {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return entries.length === 0 ? {} : ({ [key]: Object.fromEntries(entries) } as Record<K, T>)
}

const ruleType = (device: LinuxDevice): 'b' | 'c' => (device.type === 'b' ? 'b' : 'c')

function deviceRules(record: ContainerRecord, devices: readonly Device[]): LinuxResources['devices'] {
  if (record.hostConfig.Privileged) return [{ allow: true, access: 'rwm' }]
  return [
    { allow: false, access: 'rwm' },
    ...devices.map(({ device, access }) => ({
      allow: true,
      type: ruleType(device),
      major: device.major ?? 0,
      minor: device.minor ?? 0,
      access,
    })),
    ...record.hostConfig.DeviceCgroupRules.map((text) => {
      const [type = 'a', numbers = '', access = ''] = text.split(' ')
      const [major, minor] = numbers.split(':').map((part) => (part === '*' ? -1 : Number(part)))
      return { allow: true, type: type as 'a' | 'b' | 'c', major: major ?? -1, minor: minor ?? -1, access }
    }),
  ]
}

function resourcesAtStart(record: ContainerRecord, facts: StartFacts): LinuxResources {
  const { blockIO, ...others } = resourcesOf(record.hostConfig)
  return {
    ...others,
    ...given('blockIO', { ...blockIO, ...facts.blockIO }),
    devices: deviceRules(record, facts.devices),
  }
}

function namespacesOf(record: ContainerRecord, facts: StartFacts): readonly LinuxNamespace[] {
  const one = (type: LinuxNamespace['type'], source: NamespaceSource): readonly LinuxNamespace[] =>
    source === 'host' ? [] : source === 'new' ? [{ type }] : [{ type, path: source.path }]
  const { network, pid, ipc, uts } = facts.namespaces
  const mode = record.hostConfig.CgroupnsMode
  const ownCgroup = mode === 'private' || (mode === '' && facts.host.unified && !record.hostConfig.Privileged)
  return [
    { type: 'mount' },
    ...one('network', network),
    ...one('uts', uts),
    ...one('pid', pid),
    ...one('ipc', ipc),
    ...(ownCgroup ? [{ type: 'cgroup' } as const] : []),
  ]
}

function systemMounts(record: ContainerRecord, facts: StartFacts): readonly Mount[] {
  const { Privileged, ShmSize } = record.hostConfig
  const hidden = record.hostConfig.IpcMode === 'none'
  return (makeSpec({ unified: facts.host.unified }).mounts ?? []).flatMap((mount): readonly Mount[] => {
    const options = mount.options ?? []
    if (mount.destination === '/dev/shm') {
      if (hidden) return []
      if (facts.sharedMemory !== undefined) {
        return [{ ...mount, type: 'bind', source: facts.sharedMemory, options: ['rbind', 'rprivate'] }]
      }
      return [{ ...mount, options: options.map((one) => (one.startsWith('size=') ? `size=${ShmSize}` : one)) }]
    }
    const writable = Privileged && (mount.type === 'sysfs' || mount.type === 'cgroup')
    return [writable ? { ...mount, options: options.filter((one) => one !== 'ro') } : mount]
  })
}

function fileMounts(record: ContainerRecord, facts: StartFacts): readonly Mount[] {
  const files = [
    ['/etc/resolv.conf', facts.files.resolvConf],
    ['/etc/hostname', facts.files.hostname],
    ['/etc/hosts', facts.files.hosts],
  ] as const
  const bound = files.flatMap(([destination, source]): readonly Mount[] =>
    source === undefined
      ? []
      : [
          {
            destination,
            type: 'bind',
            source,
            options: ['rbind', 'rprivate', ...(record.hostConfig.ReadonlyRootfs ? ['ro'] : [])],
          },
        ],
  )
  if (facts.init === undefined) return bound
  return [...bound, { destination: INIT, type: 'bind', source: facts.init, options: ['bind', 'ro'] }]
}

function sysctls(record: ContainerRecord, facts: StartFacts): Readonly<Record<string, string>> {
  const own =
    facts.namespaces.network === 'host' || record.hostConfig.Privileged
      ? {}
      : { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' }
  return { ...own, ...record.hostConfig.Sysctls }
}

function processOf(record: ContainerRecord, facts: StartFacts, security: SecurityOptions): Process {
  const { hostConfig, config } = record
  const caps = hostConfig.Privileged
    ? facts.host.allCapabilities
    : capabilities(defaultCapabilities, facts.host.allCapabilities, hostConfig.CapAdd, hostConfig.CapDrop)
  return {
    terminal: config.Tty,
    user: record.user,
    args: facts.init === undefined ? record.args : [INIT, '--', ...record.args],
    env: containerEnv(record, facts.hostname),
    cwd: config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir,
    capabilities: { bounding: caps, effective: caps, permitted: caps },
    ...(hostConfig.Ulimits.length === 0
      ? {}
      : {
          rlimits: hostConfig.Ulimits.map(({ Name, Soft, Hard }) => ({
            type: `RLIMIT_${Name.toUpperCase()}`,
            soft: Soft,
            hard: Hard,
          })),
        }),
    oomScoreAdj: hostConfig.OomScoreAdj,
    noNewPrivileges: security.noNewPrivileges,
    ...(security.apparmor === undefined ? {} : { apparmorProfile: security.apparmor }),
    ...(security.selinuxLabel === undefined ? {} : { selinuxLabel: security.selinuxLabel }),
  }
}

/** Errors: DockError, where options do not fit together. */
export function runSpec(record: ContainerRecord, facts: StartFacts): Spec {
  const { hostConfig } = record
  const security = parseSecurity(hostConfig.SecurityOpt)
  const base = makeSpec({ unified: facts.host.unified })
  const open = hostConfig.Privileged || security.systemPathsUnconfined
  // Never relative to the cgroup of whoever calls: a service or a login session would take it down with it.
  const named = hostConfig.CgroupParent === '' ? '/tsdock' : hostConfig.CgroupParent
  const parent = named.startsWith('/') ? named : `/${named}`
  const propagation = rootPropagation(record.mounts)
  const controls = sysctls(record, facts)
  return {
    ociVersion: '1.0.2',
    process: processOf(record, facts, security),
    root: { path: facts.rootfs, readonly: hostConfig.ReadonlyRootfs },
    ...(facts.namespaces.uts === 'new' ? { hostname: facts.hostname } : {}),
    ...(facts.namespaces.uts === 'new' && record.config.Domainname !== ''
      ? { domainname: record.config.Domainname }
      : {}),
    mounts: withOwnMounts([...systemMounts(record, facts), ...fileMounts(record, facts)], facts.mounts),
    ...(Object.keys(hostConfig.Annotations).length === 0 ? {} : { annotations: hostConfig.Annotations }),
    linux: {
      cgroupsPath: `${parent}/${record.id}`,
      resources: resourcesAtStart(record, facts),
      namespaces: namespacesOf(record, facts),
      ...(facts.devices.length === 0 ? {} : { devices: facts.devices.map(({ device }) => device) }),
      ...(Object.keys(controls).length === 0 ? {} : { sysctl: controls }),
      ...(facts.seccomp === undefined ? {} : { seccomp: facts.seccomp }),
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
      ...(open
        ? {}
        : {
            maskedPaths: hostConfig.MaskedPaths ?? [...(base.linux?.maskedPaths ?? []), ...moreMasked],
            readonlyPaths: hostConfig.ReadonlyPaths ?? base.linux?.readonlyPaths ?? [],
          }),
    },
  }
}
