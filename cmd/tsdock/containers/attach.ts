// SPDX-License-Identifier: Apache-2.0
import { attachMonitor } from '../../../bundles/containers/monitor.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'

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
