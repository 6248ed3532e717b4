// SPDX-License-Identifier: Apache-2.0
// `ps`: what its columns say, and which containers a filter means.

import { DockError } from '../error.ts'
import { hasLabel } from '../labels.ts'
import { Networks } from '../networks/networks.ts'
import { findImage, type Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { healthOf, statusOf } from './describe.ts'
import { parseExposed } from './options/ports.ts'
import type { PortMap } from './record.ts'

/** `5 minutes`, `About an hour`. */
export type AgeWords = (milliseconds: number) => string

/** `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`. */
export function statusText(container: Container, health: string | undefined, now: number, age: AgeWords): string {
  const { state } = container
  const since = (time: string): string => age(now - Date.parse(time))
  switch (state.status) {
    case 'created':
      return 'Created'
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt || state.startedAt)} ago`
    case 'exited':
      return state.finishedAt === ''
        ? `Exited (${state.exitCode})`
        : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`
    case 'running': {
      const up = `Up ${since(state.startedAt)}`
      if (container.paused) return `${up} (Paused)`
      return health === undefined ? up : `${up} (${health === 'starting' ? 'health: starting' : health})`
    }
  }
}

interface Mapping {
  readonly text: string
  readonly inside: number
  readonly protocol: string
}

/** `0.0.0.0:4000->80/tcp, 443/tcp` */
export function portsText(ports: Readonly<Record<string, PortMap[string] | null>>): string {
  const mappings = Object.entries(ports).flatMap(([key, bindings]): readonly Mapping[] => {
    const [inside = '', protocol = 'tcp'] = key.split('/')
    if (bindings === null || bindings.length === 0) return [{ text: key, inside: Number(inside), protocol }]
    return bindings.flatMap(({ HostIp, HostPort }) => {
      const hosts = HostIp === '' ? ['0.0.0.0', '[::]'] : [HostIp.includes(':') ? `[${HostIp}]` : HostIp]
      return hosts.map((host) => ({ text: `${host}:${HostPort}->${key}`, inside: Number(inside), protocol }))
    })
  })
  return [...new Set(mappings.sort((a, b) => a.inside - b.inside).map(({ text }) => text))].join(', ')
}

/** Ports that the container has now: published ones while it runs, exposed ones always. */
export async function portsOf(storage: Storage, container: Container): Promise<string> {
  if (container.state.status !== 'running') return ''
  const settings = await new Networks(storage).settings(container.record.id)
  const exposed = Object.fromEntries(
    Object.keys(container.record.config.ExposedPorts ?? {})
      .filter((port) => parseExposed(port).length > 0)
      .map((port) => [port, null]),
  )
  if (container.record.hostConfig.NetworkMode === 'host') return ''
  return portsText({ ...exposed, ...settings?.Ports })
}

type Predicate = (container: Container) => boolean | Promise<boolean>

const STATUSES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']

function invalid(key: string, value: string, why: string): never {
  throw new DockError(`invalid filter '${key}=${value}': ${why}`)
}

/** By the port of the host that it has now, as docker means it. */
async function publishes(storage: Storage, { record, state }: Container, text: string): Promise<boolean> {
  const wanted = parseExposed(text, '--filter')
  const ports = state.status === 'running' ? (await new Networks(storage).settings(record.id))?.Ports : undefined
  return Object.entries(ports ?? {}).some(([port, bindings]) =>
    (bindings ?? []).some(({ HostPort }) => wanted.includes(`${HostPort}/${port.split('/')[1]}`)),
  )
}

async function descendsFrom(storage: Storage, text: string): Promise<Predicate> {
  const image = await findImage(storage.images, text)
  const digests = image === undefined ? undefined : await storage.images.digestsOf(image.descriptor)
  return ({ record }) =>
    record.config.Image === text ||
    record.image.id.slice('sha256:'.length).startsWith(text.replace(/^sha256:/, '')) ||
    digests?.has(record.image.manifest.digest) === true
}

async function neighbour(storage: Storage, text: string, key: string): Promise<Predicate> {
  const { record } = await storage.containers.find(text)
  return (container) =>
    key === 'before' ? container.record.created < record.created : container.record.created > record.created
}

async function predicate(storage: Storage, key: string, value: string): Promise<Predicate> {
  switch (key) {
    case 'id':
      return ({ record }) => record.id.startsWith(value)
    case 'name': {
      const pattern = new RegExp(value.replace(/^\^?\//, (whole) => (whole.startsWith('^') ? '^' : '')))
      return ({ record }) => pattern.test(record.name)
    }
    case 'label':
      return ({ record }) => hasLabel(record.config.Labels, value)
    case 'status':
      if (!STATUSES.includes(value)) invalid(key, value, `there are: ${STATUSES.join(', ')}`)
      return (container) => statusOf(container) === value
    case 'exited':
      if (!/^\d+$/.test(value)) invalid(key, value, 'it is an exit code')
      return ({ state }) => state.status === 'exited' && state.exitCode === Number(value)
    case 'ancestor':
      return descendsFrom(storage, value)
    case 'before':
    case 'since':
      return neighbour(storage, value, key)
    case 'volume':
      return ({ record }) =>
        record.mounts.some((mount) => mount.Name === value || mount.Source === value || mount.Destination === value)
    case 'network':
      return ({ record }) => record.hostConfig.NetworkMode === value || record.networks[value] !== undefined
    case 'publish':
      return (container) => publishes(storage, container, value)
    case 'expose':
      return ({ record }) => parseExposed(value, '--filter').some((port) => record.config.ExposedPorts?.[port])
    case 'health':
      return async ({ record }) => ((await healthOf(storage, record))?.Status ?? 'none') === value
    case 'is-task':
      return () => value === 'false'
    default:
      return invalid(key, value, 'there is no such filter')
  }
}

/** `--filter K=V` ...: those of one key are alternatives, keys must all hold. Errors: DockError. */
export async function filterContainers(
  storage: Storage,
  containers: readonly Container[],
  filters: readonly string[],
): Promise<readonly Container[]> {
  const byKey = new Map<string, Predicate[]>()
  for (const text of filters) {
    const [key = '', value] = text.split(/=(.*)/s, 2)
    if (value === undefined) throw new DockError(`invalid argument "${text}" for --filter: it is KEY=VALUE`)
    byKey.set(key, [...(byKey.get(key) ?? []), await predicate(storage, key.toLowerCase(), value)])
  }
  const kept: Container[] = []
  for (const container of containers) {
    const holds = await Promise.all(
      [...byKey].map(async ([key, any]) => {
        const found = await Promise.all(any.map((one) => one(container)))
        return key === 'label' ? found.every(Boolean) : found.some(Boolean)
      }),
    )
    if (holds.every(Boolean)) kept.push(container)
  }
  return kept
}
