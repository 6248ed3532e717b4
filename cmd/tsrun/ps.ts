// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { filterTable, readPids } from '../../runtime/lifecycle/list-processes.ts'
import { errnoText } from '../../runtime/state/errno-text.ts'
import { resolveStateRoot } from '../../runtime/state/state-root.ts'
import type { Invocation } from './cli.ts'

const maximumOutput = 256 << 20

function hostTable(args: readonly string[]): string {
  const result = spawnSync('ps', args, {
    encoding: 'utf8',
    maxBuffer: maximumOutput,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (result.error !== undefined) {
    throw new Error(`ps: it is a program of the host (package procps): ${errnoText(result.error)}`)
  }
  if (result.status !== 0) {
    throw new Error(`ps ${args.join(' ')}: exit status ${result.status ?? result.signal}: ${result.stderr.trim()}`)
  }
  return result.stdout
}

/** `tsrun ps` */
export function runPs({ positionals, text }: Invocation): number {
  const [id = '', ...options] = positionals
  const format = text('format') ?? 'table'
  const root = resolveStateRoot(text('root'))
  const pids = readPids(root, id) // an unknown container comes before a bad format, and before ps runs
  if (format !== 'table' && format !== 'json') throw new Error('invalid format option: --format is table or json')
  if (format === 'json') {
    // None is null and not [], as callers know it.
    process.stdout.write(`${JSON.stringify(pids.length === 0 ? null : pids)}\n`)
    return 0
  }
  const table = hostTable(options.length === 0 ? ['-ef'] : options)
  process.stdout.write(filterTable(table, readPids(root, id)))
  return 0
}
