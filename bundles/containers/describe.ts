// SPDX-License-Identifier: Apache-2.0
// A container in the shape of Docker's `inspect`.

import { readFile } from 'node:fs/promises'
import { Networks } from '../networks/networks.ts'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import type { ContainerRecord } from './record.ts'

/** Go's zero time: never. */
export const NEVER = '0001-01-01T00:00:00Z'

export interface HealthReport {
  readonly Status: string
  readonly FailingStreak: number
  readonly Log: readonly object[]
}

/** health.json, of a container that has checks. */
export async function healthOf(storage: Storage, record: ContainerRecord): Promise<HealthReport | undefined> {
  const test = record.config.Healthcheck?.Test ?? []
  if (test.length === 0 || test[0] === 'NONE') return undefined
  const text = await readFile(storage.containers.path(record.id, 'health.json'), 'utf8').catch(() => undefined)
  return text === undefined ? { Status: 'starting', FailingStreak: 0, Log: [] } : (JSON.parse(text) as HealthReport)
}

/** `State.Status`. */
export const statusOf = ({ state, paused }: Container): string => (paused ? 'paused' : state.status)

async function stateReport(storage: Storage, container: Container): Promise<object> {
  const { state, record } = container
  const health = await healthOf(storage, record)
  return {
    Status: statusOf(container),
    Running: state.status === 'running' || state.status === 'restarting',
    Paused: container.paused,
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: false,
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt === '' ? NEVER : state.startedAt,
    FinishedAt: state.finishedAt === '' ? NEVER : state.finishedAt,
    ...(health === undefined ? {} : { Health: health }),
  }
}

/** Directories of the container's overlay. */
export function graphDriver(storage: Storage, { id, lower }: ContainerRecord): object {
  const path = (part: string): string => storage.containers.path(id, part)
  return {
    Name: 'overlay2',
    Data: {
      LowerDir: lower.join(':'),
      MergedDir: path('merged'),
      UpperDir: path('diff'),
      WorkDir: path('work'),
    },
  }
}

/** `NetworkSettings` of a container that is on no network, or does not run. */
function withoutNetwork(record: ContainerRecord): object {
  const none = {
    NetworkID: '',
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: '',
  }
  const { NetworkMode } = record.hostConfig
  const names = NetworkMode === 'host' || NetworkMode === 'none' ? [NetworkMode] : Object.keys(record.networks)
  return {
    SandboxID: '',
    SandboxKey: '',
    Ports: {},
    ...none,
    Networks: Object.fromEntries(
      names.map((name) => [name, { ...none, Aliases: record.networks[name]?.Aliases ?? null, DNSNames: null }]),
    ),
  }
}

/** All of it. size: how much it wrote, in bytes. */
export async function describeContainer(
  storage: Storage,
  container: Container,
  size?: { readonly rw: number; readonly root: number },
): Promise<object> {
  const { record, state } = container
  const path = (part: string): string => storage.containers.path(record.id, part)
  const [program = '', ...args] = record.args
  const settings = state.status === 'running' ? await new Networks(storage).settings(record.id) : undefined
  return {
    Id: record.id,
    Created: record.created,
    Path: program,
    Args: args,
    State: await stateReport(storage, container),
    Image: record.image.id,
    ResolvConfPath: path('resolv.conf'),
    HostnamePath: path('hostname'),
    HostsPath: path('hosts'),
    LogPath: record.hostConfig.LogConfig.Type === 'json-file' ? path(`${record.id}-json.log`) : '',
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: 'overlay2',
    Platform: record.image.platform.split('/')[0] ?? 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: record.hostConfig,
    GraphDriver: graphDriver(storage, record),
    ...(size === undefined ? {} : { SizeRw: size.rw, SizeRootFs: size.root }),
    Mounts: record.mounts.map(({ Anonymous: _, Details: __, ...mount }) => mount),
    Config: record.config,
    NetworkSettings: settings ?? withoutNetwork(record),
  }
}
