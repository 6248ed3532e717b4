// SPDX-License-Identifier: Apache-2.0
// Ends containers: asks, waits, insists.

import { DockError } from '../error.ts'
import type { Storage } from '../storage.ts'
import { clearRemains } from './clean.ts'
import { type Container, processStart } from './container-store.ts'
import { stopTimeout, tellMonitor, waitForEnd } from './monitor.ts'
import type { ContainerRecord } from './record.ts'
import { needCgroups, runtimeOf } from './runtime.ts'
import { signalNumber } from './signals.ts'

const SIGKILL = 9
const SIGTERM = 15
const SIGCONT = 18
/** Milliseconds for the kernel to end what SIGKILL was sent to. */
const LAST_WAIT = 10_000

const notRunning = ({ id }: ContainerRecord, verb: string): DockError =>
  new DockError(`cannot ${verb} container: ${id}: container ${id} is not running`)

/** Lets a frozen container run, since frozen processes take no signals. */
async function thaw(storage: Storage, { record, paused }: Container): Promise<void> {
  if (!paused) return
  await runtimeOf(storage, record).call(['resume', record.id])
  await storage.containers.setPaused(record.id, false)
}

/** Whether a monitor is beside it; one that was killed takes no orders, and starts nothing again. */
const isMonitored = async ({ state }: Container): Promise<boolean> =>
  state.monitorPid > 0 && (await processStart(state.monitorPid)) === state.monitorStart

/** Neither its monitor nor the machine, when it is booted, starts it again. */
async function wantStop(storage: Storage, container: Container): Promise<void> {
  // One that is removed at its end is never started again, and its directory may be on its way out.
  if (!container.record.hostConfig.AutoRemove) await storage.containers.setStopped(container.record.id, true)
  if (!(await isMonitored(container))) return
  await tellMonitor(storage, container.record.id, ['stop-wanted']).catch(async (e: unknown) => {
    const now = await storage.containers.read(container.record.id)
    // It has ended, and its monitor with it.
    if (now !== undefined && (await isMonitored(now))) throw e
  })
}

/** What a monitor would do at the end, for one that was killed: notes it, and takes back what the run took. */
async function endWithoutMonitor(storage: Storage, { record }: Container): Promise<void> {
  const held = await storage.containers.lock(record.id)
  try {
    const now = await storage.containers.read(record.id)
    if (now === undefined || now.state.status !== 'exited' || now.state.finishedAt !== '') return
    await clearRemains(storage, record)
    await storage.containers.writeState(record.id, {
      ...now.state,
      monitorPid: 0,
      monitorStart: 0,
      finishedAt: new Date().toISOString(),
    })
  } finally {
    await held.release()
  }
}

/** Sends a signal. What ends by it is not started again, whatever its restart policy. */
export async function killContainer(storage: Storage, container: Container, signal: number): Promise<void> {
  const { record, state } = container
  if (state.status === 'restarting') {
    await wantStop(storage, container)
    return
  }
  if (state.status !== 'running') throw notRunning(record, 'kill')
  const stopSignal = signalNumber(record.config.StopSignal ?? 'TERM') ?? SIGTERM
  if (signal === SIGKILL || signal === stopSignal) await wantStop(storage, container)
  await runtimeOf(storage, record).call(['kill', record.id, String(signal)])
  if (signal === SIGKILL || signal === SIGCONT) await thaw(storage, container)
}

export interface StopOptions {
  /** Seconds until SIGKILL; undefined: the container's own, else 10; negative: for ever. */
  readonly timeout?: number | undefined
  readonly signal?: number | undefined
}

/** Returns when the container has ended and all that its run took is given back. */
export async function stopContainer(storage: Storage, container: Container, options: StopOptions = {}): Promise<void> {
  const { record, state } = container
  if (state.status !== 'running' && state.status !== 'restarting') return
  await wantStop(storage, container)
  const patience = (options.timeout ?? stopTimeout(record) ?? -1) * 1000
  if (state.status === 'running') {
    const signal = options.signal ?? signalNumber(record.config.StopSignal ?? 'TERM') ?? SIGTERM
    await send(storage, container, signal)
    const ended = await waitForEnd(storage, record.id, patience < 0 ? Number.POSITIVE_INFINITY : patience)
    if (!ended) await send(storage, container, SIGKILL)
  }
  if (!(await waitForEnd(storage, record.id, LAST_WAIT))) {
    throw new DockError(`the container ${record.name} does not end, though it was killed`)
  }
  if (!(await isMonitored(container))) await endWithoutMonitor(storage, container)
}

/** It may have ended meanwhile, and that is what is wanted: its monitor may need a while to give back all, and to say so. */
async function send(storage: Storage, container: Container, signal: number): Promise<void> {
  const { record } = container
  try {
    await runtimeOf(storage, record).call(['kill', record.id, String(signal)])
    await thaw(storage, container)
  } catch (e: unknown) {
    const state = (await storage.containers.read(record.id))?.state
    if (state?.status === 'running' && (await processStart(state.pid)) === state.pidStart) throw e
  }
}

/** Freezes or thaws. */
export async function setPaused(storage: Storage, container: Container, paused: boolean): Promise<void> {
  const { record, state } = container
  if (state.status !== 'running') {
    throw new DockError(`Container ${record.id} is not running`)
  }
  if (container.paused === paused) {
    throw new DockError(`Container ${record.id} is ${paused ? 'already' : 'not'} paused`)
  }
  needCgroups(storage, paused ? 'pause' : 'unpause')
  await runtimeOf(storage, record).call([paused ? 'pause' : 'resume', record.id])
  await storage.containers.setPaused(record.id, paused)
}
