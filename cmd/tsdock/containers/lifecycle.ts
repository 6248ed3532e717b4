// SPDX-License-Identifier: Apache-2.0
// start, stop, restart, kill, rm, pause, unpause, rename

import type { Container } from '../../../bundles/containers/container-store.ts'
import { recordEvent } from '../../../bundles/containers/events.ts'
import { parseSignal } from '../../../bundles/containers/options/values.ts'
import { removeContainer } from '../../../bundles/containers/remove.ts'
import { startContainer } from '../../../bundles/containers/start.ts'
import { killContainer, setPaused, stopContainer } from '../../../bundles/containers/stop.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import { type CommandInvocation, CommandUsageError } from '../command.ts'
import { forEach } from './run.ts'

async function withStorage(
  invocation: CommandInvocation,
  action: (storage: Storage) => Promise<number>,
): Promise<number> {
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    return await action(storage)
  } finally {
    await storage.release()
  }
}

/** Does something to a container that nobody else changes meanwhile. */
async function locked(storage: Storage, name: string, action: (container: Container) => Promise<void>): Promise<void> {
  const { record } = await storage.containers.find(name)
  const held = await storage.containers.lock(record.id)
  try {
    await action(await storage.containers.find(record.id))
  } finally {
    await held.release()
  }
}

/** The same for all containers named; each name is printed when it is done. */
function each(action: (storage: Storage, container: Container) => Promise<void>) {
  return (invocation: CommandInvocation): Promise<number> =>
    withStorage(invocation, (storage) =>
      forEach(invocation.positionals, async (name) => {
        await action(storage, await storage.containers.find(name))
        process.stdout.write(`${name}\n`)
      }),
    )
}

function seconds({ text }: CommandInvocation, name: string): number | undefined {
  const value = text(name)
  if (value === undefined) return undefined
  if (!/^-?\d+$/.test(value)) {
    throw new CommandUsageError(
      `invalid argument "${value}" for "--${name}" flag: it is a number of seconds`,
      undefined,
    )
  }
  return Number(value)
}

function stopOptions(invocation: CommandInvocation) {
  const signal = invocation.text('signal')
  return {
    timeout: seconds(invocation, 'timeout'),
    signal: signal === undefined ? undefined : parseSignal(signal),
  }
}

/** Starts one that does not run, and leaves it to itself. */
async function startDetached(storage: Storage, name: string): Promise<void> {
  const { record, state } = await storage.containers.find(name)
  if (state.status === 'running' || state.status === 'restarting') return
  const status = await startContainer(storage, record.id, { attach: undefined })
  if (status !== 0) throw new DockError(`failed to start containers: ${name}`)
}

/** `tsdock start` */
export async function runStart(invocation: CommandInvocation): Promise<number> {
  const { isSet, positionals } = invocation
  const storage = await openStorage(storageDirectory(invocation.storage))
  let release = storage.release
  try {
    if (!isSet('attach') && !isSet('interactive')) {
      return await forEach(positionals, async (name) => {
        await startDetached(storage, name)
        process.stdout.write(`${name}\n`)
      })
    }
    const [name = '', ...more] = positionals
    if (more.length > 0) throw new DockError('you cannot start and attach multiple containers at once')
    const { record } = await storage.containers.find(name)
    const attach = {
      stdin: isSet('interactive') && record.config.OpenStdin,
      stdout: true,
      stderr: true,
      signals: !invocation.isGiven('sig-proxy') || isSet('sig-proxy'),
      detachKeys: invocation.text('detach-keys'),
    }
    return await startContainer(storage, record.id, {
      attach,
      onRunning: async () => {
        await release()
        release = () => Promise.resolve()
      },
    })
  } finally {
    await release()
  }
}

/** `tsdock stop` */
export async function runStop(invocation: CommandInvocation): Promise<number> {
  const options = stopOptions(invocation)
  return each((storage, container) => stopContainer(storage, container, options))(invocation)
}

/** `tsdock restart` */
export function runRestart(invocation: CommandInvocation): Promise<number> {
  const options = stopOptions(invocation)
  return withStorage(invocation, (storage) =>
    forEach(invocation.positionals, async (name) => {
      await stopContainer(storage, await storage.containers.find(name), options)
      await startDetached(storage, name)
      await recordEvent(storage, (await storage.containers.find(name)).record, 'restart')
      process.stdout.write(`${name}\n`)
    }),
  )
}

/** `tsdock kill` */
export async function runKill(invocation: CommandInvocation): Promise<number> {
  const signal = parseSignal(invocation.text('signal') ?? 'KILL')
  return each((storage, container) => killContainer(storage, container, signal))(invocation)
}

const pausing = (paused: boolean) =>
  each((storage, { record }) => locked(storage, record.id, (container) => setPaused(storage, container, paused)))

export const runPause = pausing(true)
export const runUnpause = pausing(false)

/** `tsdock rm` */
export function runRm(invocation: CommandInvocation): Promise<number> {
  const { isSet, positionals } = invocation
  const options = { force: isSet('force'), volumes: isSet('volumes') }
  return withStorage(invocation, (storage) =>
    forEach(positionals, async (name) => {
      try {
        await removeContainer(storage, await storage.containers.find(name), options)
      } catch (e: unknown) {
        // As docker: whoever forces wants it gone, and gone it is.
        if (!(options.force && e instanceof DockError && e.message.startsWith('No such container'))) throw e
      }
      process.stdout.write(`${name}\n`)
    }),
  )
}

/** `tsdock rename` */
export function runRename(invocation: CommandInvocation): Promise<number> {
  const [from = '', to = ''] = invocation.positionals
  return withStorage(invocation, async (storage) => {
    await locked(storage, from, async ({ record }) => {
      const name = to.replace(/^\//, '')
      if (name === record.name) throw new DockError('Renaming a container with the same name as its current name')
      await storage.containers.takeName(name, record.id)
      await storage.containers.write({ ...record, name })
      await storage.containers.giveName(record.name)
      await recordEvent(storage, { ...record, name }, 'rename', { oldName: `/${record.name}` })
    })
    return 0
  })
}
