// SPDX-License-Identifier: Apache-2.0
// What is known of a container: container.json. Names and shapes are those of the Docker Engine API, since people and
// programs ask for them (`inspect --format`). Pure.

import type { Descriptor, ImageRunConfig } from '../../spec/image/documents.ts'
import type { User } from '../../spec/runtime/user.ts'
import type { MountDetails } from '../volumes/mount-request.ts'

/** `Config`: what the program is, after image and options are merged. */
export interface ContainerConfig extends ImageRunConfig {
  readonly Hostname: string
  readonly Domainname: string
  /** As the user wrote it. */
  readonly Image: string
  readonly Tty: boolean
  readonly OpenStdin: boolean
  readonly StdinOnce: boolean
  readonly AttachStdin: boolean
  readonly AttachStdout: boolean
  readonly AttachStderr: boolean
  /** Seconds between the stop signal and SIGKILL; undefined: 10. */
  readonly StopTimeout?: number
}

export interface PortBinding {
  /** '' : all addresses of the host, IPv6 too. */
  readonly HostIp: string
  /** '' : any free one. */
  readonly HostPort: string
}

/** `80/tcp` -> where it is published. */
export type PortMap = Readonly<Record<string, readonly PortBinding[]>>

export interface RestartPolicy {
  readonly Name: 'no' | 'always' | 'unless-stopped' | 'on-failure'
  /** on-failure: how often at most; 0: without end. */
  readonly MaximumRetryCount: number
}

export interface DeviceMapping {
  readonly PathOnHost: string
  readonly PathInContainer: string
  readonly CgroupPermissions: string
}

/** `HostConfig`: what the host lends. Bytes, and billionths of cpus; 0: no limit. */
export interface HostConfig {
  readonly Binds: readonly string[]
  readonly Tmpfs: Readonly<Record<string, string>>
  readonly VolumesFrom: readonly string[]
  /** `default`, `bridge`, `host`, `none`, `container:ID`, or the name of a network. */
  readonly NetworkMode: string
  readonly PortBindings: PortMap
  readonly PublishAllPorts: boolean
  readonly RestartPolicy: RestartPolicy
  readonly AutoRemove: boolean
  readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> }
  readonly CapAdd: readonly string[]
  readonly CapDrop: readonly string[]
  readonly Dns: readonly string[]
  readonly DnsOptions: readonly string[]
  readonly DnsSearch: readonly string[]
  /** `name:ip` */
  readonly ExtraHosts: readonly string[]
  /** `CONTAINER:ALIAS` */
  readonly Links?: readonly string[]
  readonly GroupAdd: readonly string[]
  /** `private`, `host`, `shareable`, `none`, `container:ID`. */
  readonly IpcMode: string
  readonly PidMode: string
  readonly UTSMode: string
  readonly UsernsMode: string
  readonly CgroupnsMode: string
  readonly Cgroup: string
  readonly CgroupParent: string
  readonly Privileged: boolean
  readonly ReadonlyRootfs: boolean
  readonly SecurityOpt: readonly string[]
  readonly Sysctls: Readonly<Record<string, string>>
  readonly ShmSize: number
  readonly Runtime: string
  readonly Init: boolean
  readonly OomScoreAdj: number
  readonly OomKillDisable: boolean
  readonly Memory: number
  readonly MemoryReservation: number
  readonly MemorySwap: number
  readonly MemorySwappiness: number | null
  readonly NanoCpus: number
  readonly CpuShares: number
  readonly CpuPeriod: number
  readonly CpuQuota: number
  /** Microseconds. */
  readonly CpuRealtimePeriod?: number
  readonly CpuRealtimeRuntime?: number
  readonly CpusetCpus: string
  readonly CpusetMems: string
  readonly BlkioWeight: number
  readonly BlkioWeightDevice?: readonly { readonly Path: string; readonly Weight: number }[]
  /** Bytes, or operations, in a second. */
  readonly BlkioDeviceReadBps?: readonly DiskRate[]
  readonly BlkioDeviceWriteBps?: readonly DiskRate[]
  readonly BlkioDeviceReadIOps?: readonly DiskRate[]
  readonly BlkioDeviceWriteIOps?: readonly DiskRate[]
  readonly PidsLimit: number
  readonly Ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
  readonly Devices: readonly DeviceMapping[]
  readonly DeviceCgroupRules: readonly string[]
  /** CDI names: `vendor/class=name`. */
  readonly DeviceRequests: readonly string[]
  /** Where CDI files are; undefined: where they usually are. */
  readonly CdiSpecDirs?: readonly string[]
  readonly MaskedPaths: readonly string[] | null
  readonly ReadonlyPaths: readonly string[] | null
  readonly Annotations: Readonly<Record<string, string>>
}

export interface DiskRate {
  /** Of the disk, on the host. */
  readonly Path: string
  readonly Rate: number
}

/** `Mounts`: one for each volume, bind and tmpfs. */
export interface MountPoint {
  readonly Type: 'bind' | 'volume' | 'tmpfs'
  /** Of the volume. */
  readonly Name?: string
  readonly Source: string
  readonly Destination: string
  readonly Driver?: string
  readonly Mode: string
  readonly RW: boolean
  readonly Propagation: string
  /** It was made for this container and has no name of the user's: `rm -v` and `--rm` remove it. */
  readonly Anonymous?: boolean
  /** What of the request is not said above. */
  readonly Details?: MountDetails
}

/** A network that the container is to be on. */
export interface EndpointRequest {
  readonly Aliases: readonly string[]
  /** '' : any. */
  readonly IPv4Address: string
  readonly IPv6Address: string
  readonly MacAddress: string
}

export interface ContainerRecord {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  readonly image: {
    /** Digest of its configuration. */
    readonly id: string
    /** Its manifest. */
    readonly manifest: Descriptor
    readonly platform: string
  }
  /** Program and arguments: entrypoint and command in one. */
  readonly args: readonly string[]
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  readonly user: User
  /** Directories for overlay, the highest first: what the runtime mounts on (the init layer), then the image. */
  readonly lower: readonly string[]
  readonly mounts: readonly MountPoint[]
  /** By name of the network; empty for `host`, `none` and `container:ID`. */
  readonly networks: Readonly<Record<string, EndpointRequest>>
}

/** state.json: written by the container's monitor, or by whoever finds that it is gone. */
export interface ContainerState {
  readonly status: 'created' | 'running' | 'restarting' | 'exited'
  /** Of the container's init; 0: none. */
  readonly pid: number
  /** When that process started, in ticks since boot: an id alone may mean another process later. */
  readonly pidStart: number
  readonly monitorPid: number
  readonly monitorStart: number
  /** RFC 3339; '' : never. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  readonly oomKilled: boolean
  readonly restartCount: number
  /** Why it did not start; ''. */
  readonly error: string
}

export const neverStarted: ContainerState = {
  status: 'created',
  pid: 0,
  pidStart: 0,
  monitorPid: 0,
  monitorStart: 0,
  startedAt: '',
  finishedAt: '',
  exitCode: 0,
  oomKilled: false,
  restartCount: 0,
  error: '',
}
