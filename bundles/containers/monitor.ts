// SPDX-License-Identifier: Apache-2.0
// The program tsdock-monitor, one beside each container that runs (csrc/monitor).

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockError, printable } from '../error.ts'
import { findProgram } from '../host/files.ts'
import { runInFront } from '../host/in-front.ts'
import { scopeOf } from '../host/scope.ts'
import type { ProcessMark } from '../networks/sandbox.ts'
import type { Storage } from '../storage.ts'
import { processStart } from './container-store.ts'
import { containerActor, eventsFile } from './events.ts'
import { healthSettings } from './health.ts'
import { parseBytes } from './options/sizes.ts'
import type { ContainerRecord } from './record.ts'
import { hasCgroups, runtimeOf } from './runtime.ts'

type Setting = readonly [key: string, value: string | number]

const LOG_FILES = 1
/** Seconds: docker's. */
const STOP_TIMEOUT = 10
/** Seconds that the end of a container takes, once it was killed. */
const CLEANUP_TIME = 10
/** In a container's directory: the process that tells its health. */
export const HEALTH_FILE = 'health-process.json'

export const logPath = (storage: Storage, id: string): string => storage.containers.path(id, `${id}-json.log`)

/** Whether something has to be done at its end that the monitor cannot do alone. */
const needsCleanup = (record: ContainerRecord): boolean =>
  Object.keys(record.networks).length > 0 || record.mounts.some(({ Type }) => Type === 'volume')

/** What the end takes: a program of ours, or the monitor's own removal, or nothing. */
function cleanupSettings(storage: Storage, record: ContainerRecord): readonly Setting[] {
  const { id, hostConfig } = record
  if (needsCleanup(record)) {
    const words = [findProgram('tsdock'), '__cleanup', storage.directory, id]
    return words.map((one): Setting => ['cleanup', one])
  }
  if (!hostConfig.AutoRemove) return []
  const words = [findProgram('tsdock-files'), 'remove', '--', storage.containers.path(id)]
  return [
    ['storage-lock', join(storage.directory, 'lock')],
    ['names', join(storage.directory, 'names')],
    ...words.map((one): Setting => ['cleanup', one]),
  ]
}

/** Its /dev/shm is mounted where others can share it. */
export const sharesMemory = ({ hostConfig }: ContainerRecord): boolean => hostConfig.IpcMode === 'shareable'

/** Seconds until a container is killed that is to end; undefined: it never is. */
export function stopTimeout({ config }: ContainerRecord): number | undefined {
  const seconds = config.StopTimeout ?? STOP_TIMEOUT
  return seconds < 0 ? undefined : seconds
}

/** Where systemd runs: a unit of its own, so that it does not end with its caller's. relay: what holds the container's ports. */
function scopeSettings(storage: Storage, record: ContainerRecord, relay: ProcessMark | undefined): readonly Setting[] {
  const patience = stopTimeout(record)
  const scope = scopeOf(
    `tsdock-monitor-${record.id}.scope`,
    `Monitor of the container ${record.name} of tsdock`,
    patience === undefined ? undefined : patience + CLEANUP_TIME,
  )
  if (scope === undefined) return []
  return [
    ['scope-program', scope.program],
    ['scope-bus', scope.bus],
    ['scope-unit', scope.unit],
    ...scope.properties.map((one): Setting => ['scope-property', one]),
    ...(relay === undefined ? [] : [['scope-with', `${relay.pid} ${relay.start}`] as const]),
    // Else it would be left in its caller's unit.
    ['scope-first', Number(!hasCgroups(storage))],
  ]
}

/** What monitor.conf says of a container. relay: what holds its ports. */
export function monitorSettings(
  storage: Storage,
  record: ContainerRecord,
  relay: ProcessMark | undefined,
): readonly Setting[] {
  const { id, config, hostConfig } = record
  const path = (part: string): string => storage.containers.path(id, part)
  const runtime = runtimeOf(storage, record)
  const { Type, Config } = hostConfig.LogConfig
  const patience = stopTimeout(record)
  return [
    ['id', id],
    ['runtime', runtime.program],
    ...runtime.options.map((one): Setting => ['runtime-arg', one]),
    ['bundle', storage.containers.path(id)],
    ['terminal', Number(config.Tty)],
    ['stdin', Number(config.OpenStdin)],
    ['stdin-once', Number(config.StdinOnce)],
    ['keep-log', Number(Type === 'json-file')],
    ['log', logPath(storage, id)],
    ['log-max-size', Config['max-size'] === undefined ? 0 : parseBytes(Config['max-size'], 'log-opt max-size')],
    ['log-max-file', Number(Config['max-file'] ?? LOG_FILES)],
    ['restart', hostConfig.RestartPolicy.Name],
    ['restart-max', hostConfig.RestartPolicy.MaximumRetryCount],
    ['temporary', Number(hostConfig.AutoRemove)],
    ...(sharesMemory(record)
      ? ([
          ['shm', path('shm')],
          ['shm-size', hostConfig.ShmSize],
        ] as const)
      : []),
    ...record.lower.map((one): Setting => ['lower', one]),
    ['upper', path('diff')],
    ['work', path('work')],
    ['merged', path('merged')],
    ['events', eventsFile(storage.directory)],
    ['event-actor', JSON.stringify(containerActor(record))],
    ...healthSettings(record, path(HEALTH_FILE)),
    ...cleanupSettings(storage, record),
    ['wait-cleanup', Number(hostConfig.AutoRemove)],
    ['stop-timeout', patience === undefined ? 0 : Math.max(patience, 1)],
    ...scopeSettings(storage, record, relay),
  ]
}

export async function writeMonitorSettings(directory: string, settings: readonly Setting[]): Promise<void> {
  const lines = settings.map(([key, value]) => `${key}=${value}\0`)
  await writeFile(`${directory}/monitor.conf`, lines.join(''), { mode: 0o600 })
}

export interface Attachment {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** Signals that this process gets go to the container. */
  readonly signals: boolean
  readonly detachKeys: string | undefined
}

function attachmentFlags({ stdin, stdout, stderr, signals, detachKeys }: Attachment): readonly string[] {
  return [
    ...(stdin ? ['--stdin'] : []),
    ...(stdout ? ['--stdout'] : []),
    ...(stderr ? ['--stderr'] : []),
    ...(signals ? [] : ['--no-signals']),
    ...(detachKeys === undefined ? [] : [`--detach-keys=${detachKeys}`]),
  ]
}

const inFront = (args: readonly string[], stdin: boolean): Promise<number> =>
  runInFront(findProgram('tsdock-monitor'), args, stdin)

/**
 * Starts a container that is prepared. attach: shows it here until it ends; undefined: returns when it runs. Returns the
 * exit status: of the container, or docker's for what could not be started, which has been told on standard error.
 */
export function runMonitor(
  storage: Storage,
  id: string,
  { attach }: { readonly attach: Attachment | undefined },
): Promise<number> {
  const flags = attach === undefined ? [] : attachmentFlags(attach)
  return inFront(['run', ...flags, '--', storage.containers.path(id)], attach?.stdin === true)
}

/** Shows a container that runs. Returns its exit status, or 0 when it was left running. */
export function attachMonitor(storage: Storage, id: string, attach: Attachment): Promise<number> {
  return inFront(['attach', ...attachmentFlags(attach), '--', storage.containers.path(id)], attach.stdin)
}

/** Errors: DockError, when there is no monitor. */
export async function tellMonitor(storage: Storage, id: string, message: readonly string[]): Promise<void> {
  const child = spawn(findProgram('tsdock-monitor'), ['tell', storage.containers.path(id), ...message], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [said, [status]] = await Promise.all([
    text(child.stderr.pipe(new PassThrough())),
    once(child, 'close') as Promise<[number | null]>,
  ])
  if (status !== 0)
    throw new DockError(
      printable(said)
        .trim()
        .replace(/^tsdock: /, ''),
    )
}

const POLL = 20

/**
 * Waits until a container has ended and its monitor has given back what its run took; milliseconds at most. Returns whether
 * it has.
 */
export async function waitForEnd(storage: Storage, id: string, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds
  for (;;) {
    const container = await storage.containers.read(id)
    if (container === undefined) return true
    const { status, monitorPid, monitorStart } = container.state
    const busy = (await processStart(monitorPid)) === monitorStart && monitorPid > 0
    if (status !== 'running' && status !== 'restarting' && !busy) return true
    if (performance.now() >= end) return false
    await sleep(POLL)
  }
}

/** Waits until a monitor has taken over a container that was prepared, or `ended` says that none will. */
export async function waitForMonitor(storage: Storage, id: string, ended: Promise<unknown>): Promise<void> {
  let over = false
  void ended.then(
    () => {
      over = true
    },
    () => {
      over = true
    },
  )
  while (!over) {
    const container = await storage.containers.read(id)
    if (container === undefined || container.state.monitorPid > 0) return
    await sleep(POLL / 4)
  }
}
