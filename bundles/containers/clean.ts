// SPDX-License-Identifier: Apache-2.0
// Takes back what a container's run took: its mount, its network, its state in the runtime.

import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { unmount } from '../host/unmount.ts'
import { Networks } from '../networks/networks.ts'
import type { Storage } from '../storage.ts'
import { unprepareMounts } from '../volumes/prepare.ts'
import { releaseVolumes } from '../volumes/resolve.ts'
import { recordEvent } from './events.ts'
import { sharesMemory } from './monitor.ts'
import type { ContainerRecord } from './record.ts'
import { runtimeOf } from './runtime.ts'

/** Idempotent; for containers that do not run. What a killed monitor left goes, too. */
export async function clearRemains(storage: Storage, record: ContainerRecord): Promise<void> {
  const { id } = record
  const runtime = runtimeOf(storage, record)
  if (existsSync(join(runtime.root, id))) await runtime.call(['delete', '--force', id]).catch(() => undefined)
  await unmount(storage.containers.path(id, 'merged'))
  if (sharesMemory(record)) await unmount(storage.containers.path(id, 'shm'))
  await new Networks(storage).tearDown(id)
  await unprepareMounts(storage, record)
  await rm(storage.containers.path(id, 'paused.json'), { force: true })
}

/** Takes back all that a container is, and its volumes without a name. The container must be locked. */
export async function forgetContainer(
  storage: Storage,
  record: ContainerRecord,
  options: { readonly volumes: boolean } = { volumes: true },
): Promise<void> {
  await clearRemains(storage, record)
  await storage.containers.remove(record)
  await releaseVolumes(storage, record, { anonymous: options.volumes })
  await recordEvent(storage, record, 'destroy')
}
