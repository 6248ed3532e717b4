// SPDX-License-Identifier: Apache-2.0
// The command that tells a container's health: what its monitor runs, and how often. Pure.

import type { Spec } from '../../spec/runtime/config.ts'
import type { Process } from '../../spec/runtime/process.ts'
import type { ContainerRecord } from './record.ts'

/** Program and arguments; undefined: there is no check. */
function healthCommand({ config }: ContainerRecord): readonly string[] | undefined {
  const [kind, ...words] = config.Healthcheck?.Test ?? []
  if (kind === 'CMD' && words.length > 0) return words
  if (kind === 'CMD-SHELL') return [...(config.Shell ?? ['/bin/sh', '-c']), ...words]
  return undefined
}

/** The process, as the container's own one but for its command. */
export function healthProcess(record: ContainerRecord, spec: Spec): Process | undefined {
  const args = healthCommand(record)
  return args === undefined || spec.process === undefined ? undefined : { ...spec.process, terminal: false, args }
}

/** Of nanoseconds; 0 and undefined: the default. */
const milliseconds = (time: number | undefined, otherwise: number): number =>
  time === undefined || time === 0 ? otherwise : Math.max(1, Math.round(time / 1e6))

/** What monitor.conf says of it. path: of the file with its process. */
export function healthSettings(record: ContainerRecord, path: string): readonly (readonly [string, string | number])[] {
  if (healthCommand(record) === undefined) return []
  const { Interval, Timeout, StartPeriod, StartInterval, Retries } = record.config.Healthcheck ?? {}
  return [
    ['health-process', path],
    ['health-interval', milliseconds(Interval, 30_000)],
    ['health-timeout', milliseconds(Timeout, 30_000)],
    ['health-start-period', milliseconds(StartPeriod, 0)],
    ['health-start-interval', milliseconds(StartInterval, 5000)],
    ['health-retries', Retries === undefined || Retries === 0 ? 3 : Retries],
  ]
}
