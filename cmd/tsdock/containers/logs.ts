// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { readLogs } from '../../../bundles/containers/logs.ts'
import { parseMoment } from '../../../bundles/containers/moments.ts'
import { logPath } from '../../../bundles/containers/monitor.ts'
import type { ContainerRecord } from '../../../bundles/containers/record.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

function tailOf(text: string | undefined): number | undefined {
  // As docker: what is no number, or negative, means all.
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** What --details puts in front: labels and variables that --log-opt names. */
function detailsOf({ config, hostConfig }: ContainerRecord): string {
  const { labels = '', env = '' } = hostConfig.LogConfig.Config
  const variables = Object.fromEntries((config.Env ?? []).map((one) => one.split(/=(.*)/s, 2) as [string, string]))
  const named = (names: string, from: Readonly<Record<string, string>>) =>
    names.split(',').flatMap((name) => (from[name] === undefined ? [] : [`${name}=${from[name]}`]))
  return [...named(env, variables), ...named(labels, config.Labels ?? {})].sort().join(',')
}

/** `tsdock logs` */
export async function runLogs(invocation: CommandInvocation): Promise<number> {
  const { positionals, text, isSet } = invocation
  const storage = await openStorage(storageDirectory(invocation.storage))
  await storage.release()
  const { record } = await storage.containers.find(positionals[0] ?? '')
  if (record.hostConfig.LogConfig.Type !== 'json-file') {
    throw new DockError('configured logging driver does not support reading')
  }
  const now = Date.now()
  const [since, until] = (['since', 'until'] as const).map((name) => {
    const value = text(name)
    return value === undefined ? undefined : parseMoment(value, name, now)
  })
  const ended = async (): Promise<boolean> => {
    const status = (await storage.containers.read(record.id))?.state.status
    return status !== 'running' && status !== 'restarting'
  }
  const details = isSet('details') ? `${detailsOf(record)} ` : ''
  const follow = isSet('follow') ? ended : undefined
  for await (const line of readLogs(logPath(storage, record.id), {
    tail: tailOf(text('tail')),
    since,
    until,
    follow,
  })) {
    const stream = line.stream === 'stderr' ? process.stderr : process.stdout
    const shown = `${isSet('timestamps') ? `${line.time} ` : ''}${details}${line.log}`
    if (!stream.write(shown)) await once(stream, 'drain')
  }
  return 0
}
