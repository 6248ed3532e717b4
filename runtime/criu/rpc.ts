// SPDX-License-Identifier: Apache-2.0
/** What criu is asked for: criu_req_type of its images/rpc.proto. */
export const CRIU_REQUEST = { dump: 1, restore: 2, preDump: 4 } as const
export type CriuRequestType = keyof typeof CRIU_REQUEST

/** criu_cg_mode */
export const CGROUP_MODE = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const

/** criu_network_lock_method */
export const NETWORK_LOCK = { iptables: 1, nftables: 2, skip: 3 } as const

/** criu_opts, as far as it is used. Undefined: criu's own default. */
export interface CriuOptions {
  /** Descriptors of criu's own process, as all others here. */
  readonly imagesDirFd: number
  readonly workDirFd?: number | undefined
  readonly pid?: number | undefined
  readonly root?: string | undefined
  readonly logLevel: number
  readonly logFile: string
  readonly configFile?: string | undefined
  readonly notifyScripts: boolean
  readonly orphanPtsMaster: boolean
  readonly leaveRunning?: boolean | undefined
  readonly extUnixSk?: boolean | undefined
  readonly tcpEstablished?: boolean | undefined
  readonly tcpSkipInFlight?: boolean | undefined
  readonly tcpClose?: boolean | undefined
  readonly evasiveDevices?: boolean | undefined
  readonly shellJob?: boolean | undefined
  readonly fileLocks?: boolean | undefined
  readonly linkRemap?: boolean | undefined
  readonly autoDedup?: boolean | undefined
  readonly lazyPages?: boolean | undefined
  readonly trackMem?: boolean | undefined
  readonly rstSibling?: boolean | undefined
  readonly unprivileged?: boolean | undefined
  readonly parentImg?: string | undefined
  readonly freezeCgroup?: string | undefined
  readonly lsmProfile?: string | undefined
  readonly lsmMountContext?: string | undefined
  readonly manageCgroupsMode: number
  readonly networkLock?: number | undefined
  /** CLONE_NEW* */
  readonly emptyNs?: number | undefined
  readonly external: readonly string[]
  readonly pageServer?: { readonly address: string; readonly port: number } | undefined
  /** As in /proc/PID/cgroup; the unified hierarchy is ''. Undefined: all. */
  readonly dumpControllers?: readonly string[] | undefined
  readonly cgroupRoots: readonly { readonly controller: string; readonly path: string }[]
  readonly inheritFds: readonly { readonly key: string; readonly fd: number }[]
  readonly joinNamespaces: readonly { readonly type: string; readonly path: string }[]
}

/** criu_req as bytes: criu talks protobuf. */
export type EncodeCriuRequest = (type: CriuRequestType, options: CriuOptions) => Uint8Array
