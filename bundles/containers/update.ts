// SPDX-License-Identifier: Apache-2.0
// Changes limits and restart policy of a container, running or not.

import { rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import type { Storage } from '../storage.ts'
import type { Container } from './container-store.ts'
import { tellMonitor } from './monitor.ts'
import type { HostConfig } from './record.ts'
import { resourcesOf } from './run-spec.ts'
import { needCgroups, runtimeOf } from './runtime.ts'

/** The container must be locked. Errors: DockError, and nothing is changed. */
export async function updateContainer(
  storage: Storage,
  { record, state }: Container,
  change: Partial<HostConfig>,
): Promise<void> {
  const hostConfig = { ...record.hostConfig, ...change }
  const running = state.status === 'running'
  const { RestartPolicy: policy, ...limits } = change
  if (Object.keys(limits).length > 0) needCgroups(storage, 'update')
  if (running && Object.keys(limits).length > 0) {
    const file = storage.containers.path(record.id, `update-${randomBytes(8).toString('hex')}.json`)
    await writeFile(file, JSON.stringify(resourcesOf(hostConfig)), { mode: 0o600 })
    try {
      await runtimeOf(storage, record).call(['update', '--resources', file, record.id])
    } finally {
      await rm(file, { force: true })
    }
  }
  if (policy !== undefined && (running || state.status === 'restarting')) {
    await tellMonitor(storage, record.id, ['set-restart', policy.Name, String(policy.MaximumRetryCount)])
  }
  await storage.containers.write({ ...record, hostConfig })
}
