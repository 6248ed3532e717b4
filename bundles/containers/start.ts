// SPDX-License-Identifier: Apache-2.0
// Gets all ready that a container needs to run, and hands it to its monitor.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { release, hostname as hostName } from 'node:os'
import type { LinuxSeccomp } from '../../spec/runtime/seccomp.ts'
import { DockError } from '../error.ts'
import { findProgram } from '../host/files.ts'
import { hostsText, resolvConfText } from '../networks/hosts.ts'
import { Networks } from '../networks/networks.ts'
import type { Link } from '../networks/sandbox.ts'
import type { Storage } from '../storage.ts'
import { ociMounts } from '../volumes/oci-mounts.ts'
import { prepareMounts } from '../volumes/prepare.ts'
import { applyCdi } from './cdi.ts'
import { clearRemains, forgetContainer } from './clean.ts'
import type { Container } from './container-store.ts'
import { healthProcess } from './health.ts'
import { allDevices, diskResources, mappedDevices } from './host-devices.ts'
import {
  type Attachment,
  HEALTH_FILE,
  monitorSettings,
  runMonitor,
  sharesMemory,
  waitForMonitor,
  writeMonitorSettings,
} from './monitor.ts'
import type { ContainerRecord } from './record.ts'
import { rootlessSpec } from './rootless-spec.ts'
import { type NamespaceSource, runSpec, type StartFacts } from './run-spec.ts'
import { runtimeRoot } from './runtime.ts'
import { seccompOf } from './seccomp-choice.ts'

/** The container that a mode `container:ID` names. Errors: it does not run. */
async function partner(storage: Storage, mode: string, record: ContainerRecord): Promise<Container> {
  const other = await storage.containers.find(mode.slice('container:'.length))
  if (other.record.id === record.id)
    throw new DockError('a container cannot join its own namespaces', { exitCode: 125 })
  if (other.state.status !== 'running') {
    throw new DockError(`cannot join the namespaces of a non running container: ${other.record.id}`, { exitCode: 125 })
  }
  return other
}

async function joined(storage: Storage, record: ContainerRecord, mode: string, kind: string): Promise<NamespaceSource> {
  if (mode === 'host') return 'host'
  if (!mode.startsWith('container:')) return 'new'
  const other = await partner(storage, mode, record)
  return { path: `/proc/${other.state.pid}/ns/${kind}` }
}

/** Errors: a container that does not run, or that is on none of these networks. */
async function linksOf(storage: Storage, record: ContainerRecord): Promise<readonly Link[]> {
  const links: Link[] = []
  for (const text of record.hostConfig.Links ?? []) {
    const [name = '', alias = ''] = text.split(':')
    const other = await storage.containers.find(name)
    const refuse = (why: string): never => {
      throw new DockError(`cannot link to the container ${other.record.name} as ${alias}: ${why}`, { exitCode: 125 })
    }
    if (other.state.status !== 'running') refuse('it does not run')
    const shared = Object.keys(record.networks).some((network) => other.record.networks[network] !== undefined)
    if (!shared) refuse('the two are on no common network')
    links.push({ id: other.record.id, alias })
  }
  return links
}

interface NetworkFacts {
  readonly namespace: NamespaceSource
  /** Whose files for /etc it sees. */
  readonly files: StartFacts['files']
  readonly hostname: string
}

const etcFiles = (storage: Storage, id: string): Required<StartFacts['files']> => ({
  hosts: storage.containers.path(id, 'hosts'),
  hostname: storage.containers.path(id, 'hostname'),
  resolvConf: storage.containers.path(id, 'resolv.conf'),
})

/** Makes the network, and writes what tells of it. */
async function network(storage: Storage, record: ContainerRecord): Promise<NetworkFacts> {
  const { NetworkMode, ExtraHosts, Dns, DnsSearch, DnsOptions, UTSMode } = record.hostConfig
  const files = etcFiles(storage, record.id)
  if (NetworkMode.startsWith('container:')) {
    const other = await partner(storage, NetworkMode, record)
    const { Hostname } = other.record.config
    return {
      namespace: other.record.hostConfig.NetworkMode === 'host' ? 'host' : { path: `/proc/${other.state.pid}/ns/net` },
      files: etcFiles(storage, other.record.id),
      hostname: Hostname,
    }
  }
  const onHost = NetworkMode === 'host'
  const isolated = NetworkMode === 'none'
  const own = record.config.Hostname
  const hostname = UTSMode === 'host' || (onHost && own === record.id.slice(0, 12)) ? hostName() : own
  const networks = new Networks(storage)
  const settings =
    onHost || isolated
      ? undefined
      : await networks.setUp({
          id: record.id,
          name: record.name,
          hostname,
          attachments: record.networks,
          ports: record.hostConfig.PortBindings,
          publishAll: record.hostConfig.PublishAllPorts,
          exposed: Object.keys(record.config.ExposedPorts ?? {}),
          links: await linksOf(storage, record),
        })
  const [resolver, hostLines] = await Promise.all(
    ['/etc/resolv.conf', '/etc/hosts'].map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  const servers = settings === undefined || Dns.length > 0 ? Dns : await networks.nameservers()
  const asked = { servers, search: DnsSearch, options: DnsOptions }
  const added = hostsText({ hostname, domainname: record.config.Domainname, settings, extraHosts: ExtraHosts })
  const isPlain = onHost && Dns.length + DnsSearch.length + DnsOptions.length === 0
  await Promise.all([
    writeFile(files.hosts, onHost && ExtraHosts.length === 0 ? (hostLines ?? '') : added),
    writeFile(files.hostname, `${hostname}\n`),
    writeFile(
      files.resolvConf,
      isolated ? '' : isPlain ? (resolver ?? '') : await resolvConfText(resolver ?? '', asked),
    ),
  ])
  if (settings === undefined) return { namespace: onHost ? 'host' : 'new', files, hostname }
  await networks.announce(record.id)
  return { namespace: { path: settings.SandboxKey }, files, hostname }
}

/** Where its /dev/shm is on the host, when it shares that with others. */
async function sharedMemoryOf(storage: Storage, record: ContainerRecord): Promise<string | undefined> {
  const mode = record.hostConfig.IpcMode
  if (mode === 'host') return '/dev/shm'
  if (sharesMemory(record)) {
    const own = storage.containers.path(record.id, 'shm')
    await mkdir(own, { recursive: true })
    return own
  }
  if (!mode.startsWith('container:')) return undefined
  const { record: other } = await partner(storage, mode, record)
  if (other.hostConfig.IpcMode === 'host') return '/dev/shm'
  if (sharesMemory(other)) return storage.containers.path(other.id, 'shm')
  throw new DockError(
    `can't join IPC of container ${other.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    { exitCode: 125 },
  )
}

async function facts(storage: Storage, record: ContainerRecord): Promise<StartFacts> {
  const { hostConfig } = record
  const [pid, ipc, sharedMemory, devices, blockIO] = await Promise.all([
    joined(storage, record, hostConfig.PidMode, 'pid'),
    joined(storage, record, hostConfig.IpcMode, 'ipc'),
    sharedMemoryOf(storage, record),
    hostConfig.Privileged ? allDevices() : mappedDevices(hostConfig.Devices),
    diskResources(hostConfig),
    prepareMounts(storage, record),
  ])
  const seccomp: LinuxSeccomp | undefined = await seccompOf(record, storage.host)
  // Last, since it is what has to be taken back when something fails.
  const net = await network(storage, record)
  return {
    host: storage.host,
    rootfs: storage.containers.path(record.id, 'merged'),
    namespaces: { network: net.namespace, pid, ipc, uts: hostConfig.UTSMode === 'host' ? 'host' : 'new' },
    files: net.files,
    mounts: ociMounts(record.mounts, { directory: storage.containers.path(record.id), kernel: release() }),
    devices,
    blockIO,
    sharedMemory,
    init: hostConfig.Init ? findProgram('tsdock-init') : undefined,
    seccomp,
    hostname: net.hostname,
  }
}

/** What its monitor needs. Errors: DockError; nothing of the start stays. */
async function getReady(storage: Storage, record: ContainerRecord): Promise<void> {
  try {
    await mkdir(runtimeRoot(storage), { recursive: true, mode: 0o711 })
    const made = runSpec(record, await facts(storage, record))
    const { rootless } = storage.host
    const cgroup = { id: record.id, parent: record.hostConfig.CgroupParent }
    const own = rootless === undefined ? made : rootlessSpec(made, rootless, cgroup)
    const { DeviceRequests, CdiSpecDirs } = record.hostConfig
    const spec = await applyCdi(own, DeviceRequests, CdiSpecDirs)
    await writeFile(storage.containers.path(record.id, 'config.json'), JSON.stringify(spec), { mode: 0o600 })
    const health = healthProcess(record, spec)
    if (health !== undefined) {
      await writeFile(storage.containers.path(record.id, HEALTH_FILE), JSON.stringify(health), { mode: 0o600 })
    }
    const isConnected = Object.keys(record.networks).length > 0
    const sandbox = isConnected ? await new Networks(storage).sandboxes.read(record.id) : undefined
    const settings = monitorSettings(storage, record, sandbox?.relay)
    await writeMonitorSettings(storage.containers.path(record.id), settings)
  } catch (e: unknown) {
    await clearRemains(storage, record)
    throw e instanceof DockError && e.exitCode === 1 ? new DockError(e.message, { exitCode: 125, cause: e }) : e
  }
}

/** The container must be locked. */
async function prepareAgain(storage: Storage, { record, state }: Container): Promise<void> {
  if (state.status === 'running' || state.status === 'restarting') {
    throw new DockError(`the container ${record.name} is running already`)
  }
  // A cleanup of the run before this one has nothing more to say.
  await storage.containers.writeState(record.id, { ...state, pid: 0, monitorPid: 0, monitorStart: 0 })
  await storage.containers.setStopped(record.id, false)
  await clearRemains(storage, record)
  await getReady(storage, record)
}

/** attach: shows it here until it ends; undefined: returns when it runs. */
export interface StartOptions {
  readonly attach: Attachment | undefined
  /** Called when its monitor has taken over. */
  readonly onRunning?: () => Promise<void>
}

/**
 * Starts a container that was made without a record that others see. Returns the exit status: of the container, or docker's for
 * what could not be started, which has been told on standard error then. Errors: DockError.
 */
export async function startNewContainer(
  storage: Storage,
  record: ContainerRecord,
  { attach, onRunning }: StartOptions,
): Promise<number> {
  try {
    await getReady(storage, record)
  } catch (e: unknown) {
    if (record.hostConfig.AutoRemove) await forgetContainer(storage, record)
    else await storage.containers.write(record)
    throw e
  }
  await storage.containers.write(record)
  const ended = runMonitor(storage, record.id, { attach })
  await waitForMonitor(storage, record.id, ended)
  await onRunning?.()
  return ended
}

/** Starts a container that does not run. Returns, and fails, as startNewContainer. */
export async function startContainer(
  storage: Storage,
  id: string,
  { attach, onRunning }: StartOptions,
): Promise<number> {
  const held = await storage.containers.lock(id)
  let ended: Promise<number>
  try {
    await prepareAgain(storage, await storage.containers.find(id))
    ended = runMonitor(storage, id, { attach })
    await waitForMonitor(storage, id, ended)
  } finally {
    await held.release()
  }
  await onRunning?.()
  return ended
}
