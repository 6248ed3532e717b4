// SPDX-License-Identifier: Apache-2.0
import { recordEvent } from '../../../bundles/containers/events.ts'
import { parseRestart } from '../../../bundles/containers/options/values.ts'
import type { HostConfig } from '../../../bundles/containers/record.ts'
import { updateContainer } from '../../../bundles/containers/update.ts'
import { DockError } from '../../../bundles/error.ts'
import { openStorage, storageDirectory } from '../../../bundles/storage.ts'
import type { CommandInvocation } from '../command.ts'
import { forEach } from './run.ts'
import { cpuOptions, memoryOptions } from './limits.ts'

/** Which option sets which members. */
const members: Readonly<Record<string, readonly (keyof HostConfig)[]>> = {
  memory: ['Memory'],
  'memory-reservation': ['MemoryReservation'],
  'memory-swap': ['MemorySwap'],
  cpus: ['NanoCpus'],
  'cpu-shares': ['CpuShares'],
  'cpu-period': ['CpuPeriod'],
  'cpu-quota': ['CpuQuota'],
  'cpu-rt-period': ['CpuRealtimePeriod'],
  'cpu-rt-runtime': ['CpuRealtimeRuntime'],
  'cpuset-cpus': ['CpusetCpus'],
  'cpuset-mems': ['CpusetMems'],
  'blkio-weight': ['BlkioWeight'],
  'pids-limit': ['PidsLimit'],
}

/** `tsdock update` */
export async function runUpdate(invocation: CommandInvocation): Promise<number> {
  const asked: Partial<HostConfig> = { ...memoryOptions(invocation), ...cpuOptions(invocation) }
  const wanted = Object.keys(members)
    .filter((name) => invocation.isGiven(name))
    .flatMap((name) => members[name] ?? [])
  const restart = invocation.text('restart')
  const change: Partial<HostConfig> = {
    ...Object.fromEntries(wanted.map((key) => [key, asked[key]])),
    ...(restart === undefined ? {} : { RestartPolicy: parseRestart(restart) }),
  }
  if (Object.keys(change).length === 0) {
    throw new DockError('you must provide one or more flags when using this command')
  }
  const storage = await openStorage(storageDirectory(invocation.storage))
  try {
    return await forEach(invocation.positionals, async (name) => {
      const { record } = await storage.containers.find(name)
      const held = await storage.containers.lock(record.id)
      try {
        await updateContainer(storage, await storage.containers.find(record.id), change)
      } finally {
        await held.release()
      }
      await recordEvent(storage, record, 'update')
      process.stdout.write(`${name}\n`)
    })
  } finally {
    await storage.release()
  }
}
