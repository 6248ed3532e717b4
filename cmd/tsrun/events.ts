// SPDX-License-Identifier: Apache-2.0
import { toJson } from '../../runtime/cgroups/stats.ts'
import {
  type ContainerEvent,
  readLiveContainer,
  statsEvent,
  watchContainer,
} from '../../runtime/lifecycle/watch-container.ts'
import { resolveStateRoot } from '../../runtime/state/state-root.ts'
import { findVerb } from '../flags.ts'
import type { Invocation } from './cli.ts'
import { UsageError } from './go-flags.ts'
import { parseDuration } from './go-values.ts'

/** More than this is not kept by timers. */
const maximumMs = 2 ** 31 - 1

function durationOf(text: string): number {
  const interval = parseDuration(text)
  if (interval === undefined) {
    throw new UsageError(`invalid value "${text}" for flag -interval: parse error`, findVerb('events'))
  }
  return Math.min(interval, maximumMs)
}

/** `tsrun events` */
export async function runEvents({ positionals, text, isSet }: Invocation): Promise<number> {
  const [id = ''] = positionals
  const interval = durationOf(text('interval') ?? '5s')
  const container = readLiveContainer(resolveStateRoot(text('root')), id)
  if (interval <= 0) throw new Error('duration interval must be greater than 0')
  let reading = true
  // Whoever read our lines has gone.
  process.stdout.on('error', () => {
    reading = false
  })
  const tell = (event: ContainerEvent): boolean => {
    if (reading) process.stdout.write(`${toJson(event)}\n`)
    return reading
  }
  if (isSet('stats')) tell(statsEvent(container))
  else await watchContainer(container, interval, tell)
  return 0
}
