// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { findOrphans, type Orphan } from '../../runtime/lifecycle/find-orphans.ts'
import { listContainers } from '../../runtime/lifecycle/list-containers.ts'
import type { ContainerReport } from '../../runtime/state/container.ts'
import { resolveStateRoot } from '../../runtime/state/state-root.ts'
import type { Invocation } from './cli.ts'

const header = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'] as const
/** Least width of a column, and what stands between two: scripts that cut columns rely on both. */
const minimumWidth = 12
const padding = 3

function toRow({ id, pid, status, bundle, created, owner }: ContainerReport): readonly string[] {
  return [id, String(pid), status, bundle, created, owner]
}

/** A table of containers. */
export function formatTable(containers: readonly ContainerReport[]): string {
  return layOut(header, containers.map(toRow))
}

/** The last column is not padded. */
function layOut(header: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [header, ...body]
  const length = (text: string): number => [...text].length
  const widths = header.map((_, column) =>
    Math.max(minimumWidth, ...rows.map((row) => length(row[column] ?? '') + padding)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === header.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - length(cell)),
      )
      .join('')
  return rows.map((row) => `${line(row)}\n`).join('')
}

function printOrphans(orphans: readonly Orphan[], format: string, quiet: boolean): void {
  const table = (): string =>
    layOut(
      ['KIND', 'ID', 'PROCESSES', 'PATH', 'REASON'],
      orphans.map(({ kind, id, pids, path, reason }) => [kind, id, String(pids.length), path, reason]),
    )
  const ids = [...new Set(orphans.map(({ id }) => id))]
  if (quiet) process.stdout.write(ids.map((id) => `${id}\n`).join(''))
  else process.stdout.write(format === 'table' ? table() : `${JSON.stringify(orphans)}\n`)
}

/** `tsrun list` */
export async function runList({ text, isSet, warn }: Invocation): Promise<number> {
  const format = text('format') ?? 'table'
  if (format !== 'table' && format !== 'json') throw new Error('invalid format option: --format is table or json')
  const root = resolveStateRoot(text('root'))
  if (isSet('orphans')) {
    printOrphans(await findOrphans(root, (text('root') ?? '') !== ''), format, isSet('quiet'))
    return 0
  }
  // One that was named may be a slip of the pen; the default one is made by the first container.
  if (text('root') && !existsSync(root)) throw new Error(`--root: open "${root}": no such file or directory (ENOENT)`)
  const containers = listContainers(root, warn)
  if (isSet('quiet')) {
    process.stdout.write(containers.map(({ id }) => `${id}\n`).join(''))
  } else if (format === 'table') {
    process.stdout.write(formatTable(containers))
  } else {
    // Nothing is null and not [], as callers know it.
    process.stdout.write(`${JSON.stringify(containers.length === 0 ? null : containers)}\n`)
  }
  return 0
}
