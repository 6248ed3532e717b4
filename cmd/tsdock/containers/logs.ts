// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { type LogLine, readLogs } from '../../../bundles/containers/logs.ts'
import { momentNow, parseMoment } from '../../../bundles/containers/moments.ts'
import { logPath } from '../../../bundles/containers/monitor.ts'
import type { ContainerRecord } from '../../../bundles/containers/record.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

function tailOf(text: string | undefined): number | undefined {
  // As docker: what is no number, or negative, means all.
  return text !== undefined && /^\+?\d+$/.test(text) ? Number(text) : undefined
}

/** As it is written in the query of an URL. */
const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')

/** What --details puts in front: labels and variables that --log-opt names. */
export function detailsOf({ config, hostConfig }: Pick<ContainerRecord, 'config' | 'hostConfig'>): string {
  const { labels = '', env = '' } = hostConfig.LogConfig.Config
  const variables = Object.fromEntries((config.Env ?? []).map((one) => one.split(/=(.*)/s, 2) as [string, string]))
  const named = (names: string, from: Readonly<Record<string, string>>) =>
    names.split(',').flatMap((name) => (Object.hasOwn(from, name) ? [[name, from[name] ?? ''] as const] : []))
  return Object.entries(Object.fromEntries([...named(env, variables), ...named(labels, config.Labels ?? {})]))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .join(',')
}

/** Docker's own logs leave out zeros at the end of a fraction, and it prints them. */
const allDigits = (time: string): string =>
  time.replace(/(?:\.(\d+))?Z$/, (_, digits: string | undefined) => `.${(digits ?? '').padEnd(9, '0')}Z`)

/** Puts lines on the two streams, each beginning with what is wanted in front of it. */
class Printer {
  readonly #timestamps: boolean
  readonly #details: string
  /** The line before did not end: what follows belongs to it. */
  readonly #isOpen = { stdout: false, stderr: false }

  constructor(timestamps: boolean, details: string) {
    this.#timestamps = timestamps
    this.#details = details
  }

  #text({ log, time }: LogLine, stream: 'stdout' | 'stderr'): string {
    const continues = this.#isOpen[stream]
    this.#isOpen[stream] = !log.endsWith('\n')
    return continues ? log : `${this.#timestamps ? `${allDigits(time)} ` : ''}${this.#details}${log}`
  }

  async print(lines: readonly LogLine[]): Promise<void> {
    let text = ''
    let target: Writable = process.stdout
    for (const line of lines) {
      const stream = line.stream === 'stderr' ? 'stderr' : 'stdout'
      if (target !== process[stream]) {
        await put(target, text)
        text = ''
        target = process[stream]
      }
      text += this.#text(line, stream)
    }
    await put(target, text)
  }
}

async function put(target: Writable, text: string): Promise<void> {
  if (text !== '' && !target.write(text)) await once(target, 'drain')
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
  const now = momentNow()
  const [since, until] = (['since', 'until'] as const).map((name) => {
    const value = text(name)
    return value === undefined ? undefined : parseMoment(value, name, now)
  })
  const printer = new Printer(isSet('timestamps'), isSet('details') ? `${detailsOf(record)} ` : '')
  const path = logPath(storage, record.id)
  let damaged = 0
  for await (const lines of readLogs(path, {
    tail: tailOf(text('tail')),
    since,
    until,
    follow: isSet('follow'),
    hasEnded: async () => {
      const status = (await storage.containers.read(record.id))?.state.status
      return status !== 'running' && status !== 'restarting'
    },
    onDamaged: () => {
      damaged++
      if (damaged === 1) process.stderr.write(`tsdock: ${path}: a line is damaged: what can be read follows\n`)
    },
  })) {
    await printer.print(lines)
  }
  if (damaged > 1) process.stderr.write(`tsdock: ${path}: ${damaged} lines are damaged\n`)
  return 0
}
