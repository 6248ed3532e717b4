// SPDX-License-Identifier: Apache-2.0
// Options that limit a container: of `run`, `create` and `update`.

import { parseBytes, parseCpus } from '../../../bundles/containers/options/sizes.ts'
import { DockError } from '../../../bundles/error.ts'
import { type CommandInvocation, CommandUsageError } from '../command.ts'

/** A whole number. Errors: CommandUsageError. */
export function integer({ text }: CommandInvocation, name: string, fallback = 0): number {
  const value = text(name)
  if (value === undefined) return fallback
  if (!/^-?\d+$/.test(value)) {
    throw new CommandUsageError(`invalid argument "${value}" for "--${name}" flag: it is a whole number`, undefined)
  }
  return Number(value)
}

function bytes({ text }: CommandInvocation, name: string, fallback = 0): number {
  const value = text(name)
  return value === undefined ? fallback : parseBytes(value, name, { unlimited: name === 'memory-swap' })
}

const SHM_SIZE = 64 << 20
/** The kernel's least. */
const LEAST_MEMORY = 512 * 1024

export function memoryOptions(invocation: CommandInvocation) {
  const memory = bytes(invocation, 'memory')
  const swap = bytes(invocation, 'memory-swap')
  if (memory > 0 && memory < LEAST_MEMORY) {
    throw new DockError(`invalid --memory ${invocation.text('memory')}: the least is 512k`, { exitCode: 125 })
  }
  if (swap > 0 && memory === 0) {
    throw new DockError('You should always set the Memory limit when using Memoryswap limit, see usage', {
      exitCode: 125,
    })
  }
  if (swap > 0 && swap < memory) {
    throw new DockError('Minimum memoryswap limit should be larger than memory limit, see usage', { exitCode: 125 })
  }
  const swappiness = invocation.text('memory-swappiness')
  return {
    Memory: memory,
    MemoryReservation: bytes(invocation, 'memory-reservation'),
    MemorySwap: swap,
    MemorySwappiness: swappiness === undefined ? null : integer(invocation, 'memory-swappiness'),
    OomKillDisable: invocation.isSet('oom-kill-disable'),
    OomScoreAdj: integer(invocation, 'oom-score-adj'),
    ShmSize: bytes(invocation, 'shm-size', SHM_SIZE),
  }
}

export function cpuOptions(invocation: CommandInvocation) {
  const cpus = invocation.text('cpus')
  if (cpus !== undefined && (invocation.isGiven('cpu-quota') || invocation.isGiven('cpu-period'))) {
    throw new DockError('Conflicting options: Nano CPUs and CPU Period cannot both be set.', { exitCode: 125 })
  }
  return {
    NanoCpus: cpus === undefined ? 0 : parseCpus(cpus),
    CpuShares: integer(invocation, 'cpu-shares'),
    CpuPeriod: integer(invocation, 'cpu-period'),
    CpuQuota: integer(invocation, 'cpu-quota'),
    CpuRealtimePeriod: integer(invocation, 'cpu-rt-period'),
    CpuRealtimeRuntime: integer(invocation, 'cpu-rt-runtime'),
    CpusetCpus: invocation.text('cpuset-cpus') ?? '',
    CpusetMems: invocation.text('cpuset-mems') ?? '',
    BlkioWeight: integer(invocation, 'blkio-weight'),
    PidsLimit: integer(invocation, 'pids-limit'),
  }
}
