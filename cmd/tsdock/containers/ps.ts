// SPDX-License-Identifier: Apache-2.0
import type { Container } from '../../../bundles/containers/container-store.ts'
import { healthOf, statusOf } from '../../../bundles/containers/describe.ts'
import { filterContainers, portsOf, statusText } from '../../../bundles/containers/list.ts'
import type { ContainerRecord } from '../../../bundles/containers/record.ts'
import { containerSizes } from '../../../bundles/containers/usage.ts'
import { familiarText, parseReference } from '../../../bundles/images/reference.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { ageWords, sizeText } from '../table.ts'
import { printRows } from '../template/rows.ts'

/** Docker's names of columns: those that `--format` knows. */
const headings: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  State: 'STATE',
  Ports: 'PORTS',
  Names: 'NAMES',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  LocalVolumes: 'LOCAL VOLUMES',
  Networks: 'NETWORKS',
  Size: 'SIZE',
}

const ELLIPSIS = '…'
const shorten = (text: string, width: number): string =>
  [...text].length <= width ? text : `${[...text].slice(0, width - 1).join('')}${ELLIPSIS}`

/** 2026-11-25 08:15:00 +0000 UTC */
function timeText(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`
}

/** The image as the user named it; its id when the name means another one by now. */
function imageText(container: Container, names: Asked['names'], whole: boolean) {
  const { record } = container
  const asked = record.config.Image
  const now = names.get(asked)
  if (now === undefined || now.has(record.image.manifest.digest)) return asked
  return whole ? record.image.id : record.image.id.slice(7, 19)
}

async function nameTable(storage: Storage): Promise<Asked['names']> {
  const table = new Map<string, ReadonlySet<string>>()
  for (const { name, descriptor } of await storage.images.list()) {
    if (name === undefined) continue
    const familiar = familiarText(parseReference(name))
    const digests = await storage.images.digestsOf(descriptor)
    for (const one of [name, familiar, familiar.replace(/:latest$/, '')]) table.set(one, digests)
  }
  return table
}

interface Asked {
  readonly whole: boolean
  readonly size: boolean
  readonly now: number
  /** Digests that a name stands for. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>
}

/** What it wrote, and all that it sees. */
async function sizes(storage: Storage, record: ContainerRecord): Promise<string> {
  const { rw, root } = await containerSizes(storage, record)
  return root === 0 ? sizeText(rw) : `${sizeText(rw)} (virtual ${sizeText(root)})`
}

async function rowOf(storage: Storage, container: Container, { whole, size, now, names }: Asked) {
  const { record } = container
  const health = await healthOf(storage, record)
  const age = now - Date.parse(record.created)
  const command = JSON.stringify(record.args.join(' '))
  const mounts = record.mounts.map((mount) => mount.Name ?? mount.Source).filter((one) => one !== '')
  const status = statusText(container, health?.Status === 'none' ? undefined : health?.Status, now, ageWords)
  const networks = Object.keys(record.networks)
  return {
    ID: whole ? record.id : record.id.slice(0, 12),
    Image: imageText(container, names, whole),
    Command: whole ? command : `"${shorten(record.args.join(' '), 20)}"`,
    CreatedAt: timeText(record.created),
    RunningFor: `${ageWords(age)} ago`,
    Status: status,
    State: statusOf(container),
    Ports: await portsOf(storage, container),
    Names: record.name,
    Labels: Object.entries(record.config.Labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: mounts.map((one) => (whole ? one : shorten(one, 15))).join(','),
    LocalVolumes: String(record.mounts.filter(({ Type }) => Type === 'volume').length),
    Networks: networks.length === 0 ? record.hostConfig.NetworkMode : networks.join(','),
    Size: size ? await sizes(storage, record) : '0B',
  }
}

/** Which containers: running ones, unless more is asked for. */
async function chosen(storage: Storage, invocation: CommandInvocation): Promise<readonly Container[]> {
  const { isSet, list, number } = invocation
  const filters = list('filter')
  const last = isSet('latest') ? 1 : number('last')
  const all = isSet('all') || last !== undefined || filters.some((one) => /^(status|exited)=/.test(one))
  const found = (await storage.containers.list()).filter(
    ({ state }) => all || state.status === 'running' || state.status === 'restarting',
  )
  const kept = await filterContainers(storage, found, filters)
  return last === undefined || last < 0 ? kept : kept.slice(0, last)
}

/** `tsdock ps` */
export async function runPs(invocation: CommandInvocation): Promise<number> {
  const { isSet, text } = invocation
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    const containers = await chosen(storage, invocation)
    const whole = isSet('no-trunc')
    if (isSet('quiet') && text('format') === undefined) {
      const ids = containers.map(({ record }) => `${whole ? record.id : record.id.slice(0, 12)}\n`)
      process.stdout.write(ids.join(''))
      return 0
    }
    const size = isSet('size') || (text('format') ?? '').includes('.Size')
    const asked = { whole, size, now: Date.now(), names: await nameTable(storage) }
    const rows = await Promise.all(containers.map((container) => rowOf(storage, container, asked)))
    const columns = [
      'ID',
      'Image',
      'Command',
      'RunningFor',
      'Status',
      'Ports',
      'Names',
      ...(isSet('size') ? ['Size'] : []),
    ]
    printRows(text('format'), { headings, columns, rows })
    return 0
  } finally {
    await storage.release()
  }
}
