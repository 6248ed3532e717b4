// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, join, normalize } from 'node:path/posix'
import { TsrunError } from '../../spec/error.ts'
import type { Spec } from '../../spec/runtime/config.ts'
import { CLONE_NEW } from '../compile/namespaces.ts'
import { hasFlag, option, optionList } from '../compile/context.ts'
import type { PlanRequest } from '../facts/request.ts'
import { CGROUP_MODE, type CriuOptions, NETWORK_LOCK } from './rpc.ts'

/** Numbers that descriptors get for criu: above those that either process has open itself. */
export const FD = { images: 100, work: 101, namespaces: 102 } as const

export const LOG_FILE = { checkpoint: 'dump.log', restore: 'restore.log' } as const

/** criu tells everything. */
const LOG_LEVEL = 4

/** Names of external namespaces, as peers have them in their images. */
export const EXTERNAL_NAMESPACE = { network: 'extRootNetNS', pid: 'extRootPidNS' } as const

/** Where files of criu are: absolute. */
export interface CriuDirectories {
  readonly images: string
  /** Undefined: that of the images. */
  readonly work: string | undefined
}

/** --image-path and --work-path. */
export function criuDirectories(request: PlanRequest): CriuDirectories {
  const { cwd } = request.facts
  const work = option(request, 'work-path') || undefined
  return {
    images: absolute(cwd, option(request, 'image-path') || 'checkpoint'),
    work: work === undefined ? undefined : absolute(cwd, work),
  }
}

function absolute(cwd: string, path: string): string {
  return normalize(isAbsolute(path) ? path : join(cwd, path)).replace(/(?<=.)\/+$/, '')
}

/** Path of the log that criu writes for a request. */
export function logPath(request: PlanRequest): string {
  const { images, work } = criuDirectories(request)
  return `${work ?? images}/${LOG_FILE[request.verb === 'restore' ? 'restore' : 'checkpoint']}`
}

/** What checkpoint and restore tell criu alike. Errors: usage. */
export function commonOptions(
  request: PlanRequest,
  spec: Spec,
  configFile: string,
): Omit<CriuOptions, 'external' | 'cgroupRoots' | 'inheritFds' | 'joinNamespaces' | 'logFile'> {
  checkEmptyNamespaces(request)
  return {
    imagesDirFd: FD.images,
    workDirFd: FD.work,
    logLevel: LOG_LEVEL,
    configFile: chooseConfigFile(spec, configFile),
    // For hooks, --status-fd and the master of a terminal.
    notifyScripts: true,
    orphanPtsMaster: true,
    shellJob: hasFlag(request, 'shell-job'),
    extUnixSk: hasFlag(request, 'ext-unix-sk'),
    tcpEstablished: hasFlag(request, 'tcp-established'),
    fileLocks: hasFlag(request, 'file-locks'),
    autoDedup: hasFlag(request, 'auto-dedup'),
    lazyPages: hasFlag(request, 'lazy-pages'),
    manageCgroupsMode: cgroupMode(request),
    networkLock: networkLock(request),
    // Devices and addresses are not the runtime's: whoever made them makes them again.
    emptyNs: CLONE_NEW.network,
    unprivileged: request.facts.uid === 0 ? undefined : true,
  }
}

/** An annotation that is empty stands for no file at all, not even the default one. */
function chooseConfigFile({ annotations }: Spec, byDefault: string): string | undefined {
  const file = annotations?.['org.criu.config']
  return file === undefined ? byDefault : file || undefined
}

function cgroupMode(request: PlanRequest): number {
  return (
    choose(request, 'manage-cgroups-mode', CGROUP_MODE, ['soft', 'full', 'strict', 'ignore']) ?? CGROUP_MODE.default
  )
}

function networkLock(request: PlanRequest): number | undefined {
  return choose(request, 'network-lock', NETWORK_LOCK, ['iptables', 'nftables', 'skip'])
}

function choose<K extends string>(
  request: PlanRequest,
  flag: string,
  values: Readonly<Record<K, number>>,
  names: readonly K[],
): number | undefined {
  const given = option(request, flag) || undefined
  if (given === undefined) return undefined
  const name = names.find((known) => known === given)
  if (name === undefined) {
    throw new TsrunError(
      'usage',
      `--${flag}: invalid value ${JSON.stringify(given)}: it is none of ${names.join(', ')}`,
    )
  }
  return values[name]
}

function checkEmptyNamespaces(request: PlanRequest): void {
  for (const name of optionList(request, 'empty-ns')) {
    if (name !== 'network')
      throw new TsrunError('usage', `--empty-ns: namespace ${JSON.stringify(name)} is not supported`)
  }
}

/** --page-server. Errors: usage. */
export function pageServer(request: PlanRequest): CriuOptions['pageServer'] {
  const given = option(request, 'page-server') || undefined
  if (given === undefined) return undefined
  const [, address = '', port = ''] = /^(.+):(\d{1,5})$/.exec(given) ?? []
  if (address === '' || Number(port) < 1 || Number(port) > 65535) {
    throw new TsrunError('usage', `--page-server ${JSON.stringify(given)}: must be ADDRESS:PORT`)
  }
  return { address: address.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

/** --lsm-profile. Errors: usage. */
export function lsmProfile(request: PlanRequest): string | undefined {
  const given = option(request, 'lsm-profile') || undefined
  if (given !== undefined && !/^(apparmor|selinux):./.test(given)) {
    throw new TsrunError('usage', `--lsm-profile ${JSON.stringify(given)}: must be apparmor:NAME or selinux:LABEL`)
  }
  return given
}

/** Finds what is wrong with flags before a look at the image. Errors: usage. */
export function checkRestoreFlags(request: PlanRequest, spec: Spec): void {
  commonOptions(request, spec, '')
  lsmProfile(request)
}
