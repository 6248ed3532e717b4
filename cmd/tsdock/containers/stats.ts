// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from '../../../bundles/containers/container-store.ts'
import { type Statistics, statisticsOf } from '../../../bundles/containers/statistics.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { binarySizeText, sizeText } from '../table.ts'
import { formatRows } from '../template/rows.ts'

const headings: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  Container: 'CONTAINER',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
}
const columns = ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs']
const INTERVAL = 1000

interface Sample {
  readonly at: number
  readonly statistics: Statistics | undefined
}

async function sample(storage: Storage, container: Container): Promise<Sample> {
  const statistics =
    container.state.status === 'running' ? await statisticsOf(storage, container).catch(() => undefined) : undefined
  return { at: performance.now(), statistics }
}

function row({ record }: Container, before: Sample, now: Sample, whole: boolean): Record<string, string> {
  const { statistics } = now
  const names = { ID: whole ? record.id : record.id.slice(0, 12), Container: record.id.slice(0, 12), Name: record.name }
  if (statistics === undefined) {
    return { ...names, CPUPerc: '--', MemUsage: '-- / --', MemPerc: '--', NetIO: '--', BlockIO: '--', PIDs: '--' }
  }
  const spent = statistics.cpu - (before.statistics?.cpu ?? statistics.cpu)
  const passed = (now.at - before.at) * 1e6
  const percent = (part: number, of: number): string => `${(of > 0 ? (part / of) * 100 : 0).toFixed(2)}%`
  return {
    ...names,
    CPUPerc: percent(spent, passed),
    MemUsage: `${binarySizeText(statistics.memory)} / ${binarySizeText(statistics.memoryLimit)}`,
    MemPerc: percent(statistics.memory, statistics.memoryLimit),
    NetIO: `${sizeText(statistics.netReceived)} / ${sizeText(statistics.netSent)}`,
    BlockIO: `${sizeText(statistics.blockRead)} / ${sizeText(statistics.blockWrite)}`,
    PIDs: String(statistics.pids),
  }
}

async function chosen(storage: Storage, { positionals, isSet }: CommandInvocation): Promise<readonly Container[]> {
  if (positionals.length > 0) return Promise.all(positionals.map((name) => storage.containers.find(name)))
  return (await storage.containers.list()).filter(({ state }) => isSet('all') || state.status === 'running')
}

/** `tsdock stats` */
export async function runStats(invocation: CommandInvocation): Promise<number> {
  const { isSet, text } = invocation
  const storage = await openStorage(storageDirectory(invocation.storage))
  await storage.release()
  const live = process.stdout.isTTY === true && !isSet('no-stream')
  let before = new Map<string, Sample>()
  for (;;) {
    const containers = await chosen(storage, invocation)
    const taken = async (): Promise<Map<string, Sample>> =>
      new Map(
        await Promise.all(
          containers.map(async (one): Promise<[string, Sample]> => [one.record.id, await sample(storage, one)]),
        ),
      )
    if (before.size === 0) before = await taken()
    await sleep(INTERVAL)
    const now = await taken()
    const rows = containers.flatMap((one) => {
      const [first, second] = [before.get(one.record.id), now.get(one.record.id)]
      return second === undefined ? [] : [row(one, first ?? second, second, isSet('no-trunc'))]
    })
    before = now
    process.stdout.write(`${live ? '\x1b[H\x1b[2J' : ''}${formatRows(text('format'), { headings, columns, rows })}`)
    if (isSet('no-stream')) return 0
  }
}
