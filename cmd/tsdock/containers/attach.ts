// SPDX-License-Identifier: Apache-2.0
// attach, wait

import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from '../../../bundles/containers/container-store.ts'
import { attachMonitor } from '../../../bundles/containers/monitor.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, type Storage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { forEach } from './run.ts'

/** `tsdock attach` */
export async function runAttach(invocation: CommandInvocation): Promise<number> {
  const { positionals, isSet, isGiven, text } = invocation
  const storage = await openStorage(storageDirectory(invocation.storage))
  await storage.release()
  const { record, state, paused } = await storage.containers.find(positionals[0] ?? '')
  if (state.status !== 'running') throw new DockError('You cannot attach to a stopped container, start it first')
  if (paused) throw new DockError('You cannot attach to a paused container, unpause it first')
  return attachMonitor(storage, record.id, {
    stdin: record.config.OpenStdin && !isSet('no-stdin'),
    stdout: true,
    stderr: true,
    signals: !isGiven('sig-proxy') || isSet('sig-proxy'),
    detachKeys: text('detach-keys'),
  })
}

const POLL = 50
const conditions = ['not-running', 'next-exit', 'removed'] as const
type Condition = (typeof conditions)[number]

/** Whether a container has come to what is waited for. first: as it was when the waiting began. */
function isReached(condition: Condition, first: Container, now: Container | undefined): boolean {
  if (now === undefined) return true
  const { status, finishedAt } = now.state
  if (condition === 'removed') return false
  if (condition === 'next-exit') return finishedAt !== first.state.finishedAt
  return status !== 'running' && status !== 'restarting'
}

async function waitFor(storage: Storage, name: string, condition: Condition): Promise<number> {
  const first = await storage.containers.find(name)
  for (let last = first; ; await sleep(POLL)) {
    const now = await storage.containers.read(first.record.id)
    if (isReached(condition, first, now)) return (now ?? last).state.exitCode
    if (now !== undefined) last = now
  }
}

/** `tsdock wait` */
export async function runWait({ positionals, text, storage: place }: CommandInvocation): Promise<number> {
  const wanted = text('condition') ?? 'not-running'
  const condition = conditions.find((one) => one === wanted)
  if (condition === undefined) {
    throw new DockError(`invalid condition: "${wanted}" (there are: ${conditions.join(', ')})`)
  }
  const storage = await openStorage(storageDirectory(place))
  await storage.release()
  return forEach(positionals, async (name) => {
    process.stdout.write(`${await waitFor(storage, name, condition)}\n`)
  })
}
