// SPDX-License-Identifier: Apache-2.0
// What a container uses now: the runtime's statistics, and the counters of its links.

import { readFile } from 'node:fs/promises'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { needCgroups, runtimeOf } from './runtime.ts'

interface BlkioEntry {
  readonly op?: string
  readonly value?: number
}

/** The part of `events --stats` that is read here: the form of runc. */
interface RuntimeStats {
  readonly cpu?: { readonly usage?: { readonly total?: number } }
  readonly memory?: {
    readonly usage?: { readonly limit?: number; readonly usage?: number }
    readonly raw?: Readonly<Record<string, number>>
  }
  readonly pids?: { readonly current?: number }
  readonly blkio?: { readonly ioServiceBytesRecursive?: readonly BlkioEntry[] | null }
}

export interface Statistics {
  /** Nanoseconds of cpu time so far. */
  readonly cpu: number
  /** Bytes, without what the kernel would give up at once. */
  readonly memory: number
  readonly memoryLimit: number
  readonly pids: number
  readonly blockRead: number
  readonly blockWrite: number
  readonly netReceived: number
  readonly netSent: number
}

async function hostMemory(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8')
  return Number(/^MemTotal:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024
}

/** Sums over all links but lo (proc_pid_net(5), dev). */
export function linkCounters(text: string): { readonly received: number; readonly sent: number } {
  let [received, sent] = [0, 0]
  for (const line of text.split('\n')) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line)
    if (match?.[1] === undefined || match[1] === 'lo') continue
    const numbers = (match[2] ?? '').trim().split(/\s+/).map(Number)
    received += numbers[0] ?? 0
    sent += numbers[8] ?? 0
  }
  return { received, sent }
}

/** Errors: DockError when the container does not run. */
export async function statisticsOf(storage: Storage, { record, state }: Container): Promise<Statistics> {
  needCgroups(storage, 'stats')
  const [out, links, total] = await Promise.all([
    runtimeOf(storage, record).call(['events', '--stats', record.id]),
    readFile(`/proc/${state.pid}/net/dev`, 'utf8').catch(() => ''),
    hostMemory(),
  ])
  const data = (JSON.parse(out) as { readonly data?: RuntimeStats }).data ?? {}
  const { usage, raw } = data.memory ?? {}
  const cache = raw?.['total_inactive_file'] ?? raw?.['inactive_file'] ?? 0
  const limit = usage?.limit ?? 0
  const blocks = data.blkio?.ioServiceBytesRecursive ?? []
  const sum = (op: string): number =>
    blocks.filter((one) => one.op?.toLowerCase() === op).reduce((all, { value = 0 }) => all + value, 0)
  const { received, sent } = linkCounters(links)
  return {
    cpu: data.cpu?.usage?.total ?? 0,
    memory: Math.max(0, (usage?.usage ?? 0) - cache),
    memoryLimit: limit > 0 && limit < total ? limit : total,
    pids: data.pids?.current ?? 0,
    blockRead: sum('read'),
    blockWrite: sum('write'),
    netReceived: received,
    netSent: sent,
  }
}
