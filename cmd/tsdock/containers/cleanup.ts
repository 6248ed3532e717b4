// SPDX-License-Identifier: Apache-2.0
import { clearRemains, forgetContainer } from '../../../bundles/containers/clean.ts'
import { openStorage } from '../../../bundles/storage.ts'

/** What a container's monitor calls when the container has ended for good. Nobody reads what it prints. */
export async function cleanUp(directory: string, id: string): Promise<number> {
  const storage = await openStorage(directory)
  try {
    if ((await storage.containers.read(id)) === undefined) return 0
    const held = await storage.containers.lock(id)
    try {
      const container = await storage.containers.read(id)
      if (container === undefined) return 0
      // Somebody may have started it again: then this end is history, and what there is belongs to the new run.
      if (![process.pid, process.ppid].includes(container.state.monitorPid)) return 0
      if (container.record.hostConfig.AutoRemove) await forgetContainer(storage, container.record)
      else await clearRemains(storage, container.record)
      return 0
    } finally {
      await held.release()
    }
  } finally {
    await storage.release()
  }
}
