// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { HostFacts, PlanRequest } from '../facts/request.ts'
import type { Op } from '../plan/ops.ts'
import { byFlag, byRuntime, type CompileContext, option } from './context.ts'

/** fs.nr_open, as kernels have it: no descriptor can have a higher number. */
const MAX_DESCRIPTORS = 1 << 20

/** Descriptors of the caller from 3 on that the process gets, and what it is told about them. */
export interface PassedDescriptors {
  readonly count: number
  readonly env: readonly string[]
  /** Marks all others close-on-exec, and closes directories. */
  readonly op: Op
}

/**
 * Socket activation hands its descriptors on (sd_listen_fds(3)): they come first, those of --preserve-fds after them.
 * Errors: usage.
 */
export function passDescriptors(request: PlanRequest): PassedDescriptors {
  const listening = request.verb === 'exec' ? 0 : countListening(request.facts)
  const preserved = parseCount(option(request, 'preserve-fds') ?? '0')
  const count = listening + preserved
  if (count > MAX_DESCRIPTORS) throw badCount(String(preserved))
  const names = request.facts.env.get('LISTEN_FDNAMES')
  const env: string[] = []
  if (listening > 0) {
    env.push(`LISTEN_FDS=${listening}`, 'LISTEN_PID=1')
    if (names !== undefined) env.push(`LISTEN_FDNAMES=${names}`)
  }
  const from = preserved > 0 ? byFlag('preserve-fds') : byRuntime(listening > 0 ? 'LISTEN_FDS' : 'descriptors')
  return { count, env, op: { kind: 'preserve-fds', count, ...from } }
}

/** Variables that are meant for another process count for nothing. */
function countListening({ env, pid }: HostFacts): number {
  const [count, owner] = [env.get('LISTEN_FDS') ?? '', env.get('LISTEN_PID') ?? '']
  if (!/^\d{1,7}$/.test(count) || owner !== String(pid)) return 0
  return Number(count)
}

/**
 * A /dev/null of the host that stays open in the container could not be found again after a checkpoint, so it gets its own.
 * ORDER: after devices. With a terminal nothing of the caller's is left.
 */
export function compileNullStdio({ process }: Pick<CompileContext, 'process'>): Op[] {
  return process.terminal === true ? [] : [{ kind: 'null-stdio', ...byRuntime('standard input and output') }]
}

/** An integer as Go writes it: 12, 0x0c, 0o14 or 014. */
function parseCount(text: string): number {
  const octal = /^0o?([0-7]+)$/.exec(text)
  const count = octal
    ? Number.parseInt(octal[1] ?? '', 8)
    : /^\+?(0|[1-9]\d*|0[xX][0-9a-fA-F]+)$/.test(text)
      ? Number(text)
      : -1
  if (!(count >= 0)) throw badCount(text)
  return count
}

function badCount(text: string): TsrunError {
  return new TsrunError('usage', `--preserve-fds: ${JSON.stringify(text)} is no number of descriptors`)
}
