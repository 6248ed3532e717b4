// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { propertyText, type UnitProperty } from '../cgroups/systemd/property.ts'
import type { OpOf } from '../plan/ops.ts'
import type { Plan } from '../plan/plan.ts'
import { errnoText } from '../state/errno-text.ts'
import { findExecutable } from './find-executable.ts'
import { whileFrozen } from './while-frozen.ts'

const PROGRAM = 'tsrun-systemd'

/** The op that had systemd make the container's unit; undefined for a container with cgroups of another make. */
export function unitOf({ sections }: Plan): OpOf<'systemd-start'> | undefined {
  for (const op of sections.adopt) if (op.kind === 'systemd-start') return op
  return undefined
}

/** Beside the planner or tsrun, or where it is when they are installed. */
function findProgram(executable: string | undefined): string {
  const self = basename(process.execPath) === 'tsrun-plan' ? process.execPath : findExecutable(executable)
  const directory = dirname(self)
  const beside = join(directory, PROGRAM)
  return existsSync(beside) ? beside : join(directory, '../libexec/tsrun', PROGRAM)
}

function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const name of ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'DBUS_SYSTEM_BUS_ADDRESS']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

/**
 * Changes properties of the container's unit until it ends; false when it has none. The job is described in csrc/README.md.
 * Errors: cgroup, host.
 */
export function setUnitProperties(
  plan: Plan,
  properties: readonly UnitProperty[],
  executable: string | undefined,
): boolean {
  const unit = unitOf(plan)
  if (unit === undefined || properties.length === 0) return false
  const program = findProgram(executable)
  const job = ['set', unit.bus, unit.unit, '', ...properties.map(propertyText)]
  const input = job.map((text) => `${text}\0`).join('')
  const { error, status, signal, stderr } = whileFrozen(plan.fields.freezerFile, () =>
    spawnSync(program, [], { input, env: environment(), encoding: 'utf8' }),
  )
  if (error !== undefined) throw new TsrunError('host', `execve "${program}": ${errnoText(error)}`, { cause: error })
  if (status === 0) return true
  const why =
    stderr.trim().replaceAll('\n', '; ') || (signal === null ? `exit status ${status}` : `killed by ${signal}`)
  throw new TsrunError('cgroup', `${unit.unit}: ${why}`)
}
