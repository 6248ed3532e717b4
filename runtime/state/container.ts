// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { decodePlan } from '../plan/decode.ts'
import type { Plan } from '../plan/plan.ts'
import { errnoText, hasErrno } from './errno-text.ts'
import { isProcessAlive } from './process-stat.ts'
import { fillTemplate } from './template.ts'

export type ContainerStatus = 'created' | 'running' | 'paused' | 'stopped'

/** A container as its state directory and /proc tell of it at one moment. */
export interface StoredContainer {
  readonly id: string
  /** ROOT/ID */
  readonly directory: string
  readonly plan: Plan
  /** Of init; 0 when there never was one. */
  readonly pid: number
  readonly startTime: bigint
  readonly status: ContainerStatus
}

/** The document that `state` prints: that of the specification, and what peers add to it. */
export interface ContainerReport {
  readonly ociVersion: string
  readonly id: string
  readonly status: ContainerStatus
  /** 0 when stopped. */
  readonly pid: number
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339. */
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  /** User name of whoever made it, where known. */
  readonly owner: string
}

/** Errors: invalid-id. */
export function checkContainerId(id: string): string {
  if (id === '') throw new TsrunError('invalid-id', 'container id cannot be empty')
  if (id === '.' || id === '..' || !/^[A-Za-z0-9_+.-]+$/.test(id)) {
    throw new TsrunError(
      'invalid-id',
      `invalid container ID format: ${JSON.stringify(id)} (letters, digits, _ + - . only)`,
    )
  }
  if (id.length > 255) throw new TsrunError('invalid-id', 'container ID: file name too long (ENAMETOOLONG)')
  return id
}

function readPlan(root: string, id: string): Plan {
  const directory = join(root, id)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(join(directory, 'plan'))
  } catch (e: unknown) {
    if (!hasErrno(e, 'ENOENT')) {
      throw new TsrunError('state', `open "${directory}/plan": ${errnoText(e)}`, { cause: e })
    }
    const where = existsSync(directory)
      ? `it is being created, or "${directory}" is a remainder`
      : `looked in "${root}"`
    throw new TsrunError('not-found', `container does not exist: ${id} (${where})`)
  }
  try {
    return decodePlan(bytes)
  } catch (e: unknown) {
    throw new TsrunError('state', `"${directory}/plan": ${e instanceof Error ? e.message : String(e)}`, { cause: e })
  }
}

/** The file `init`: pid and start time. */
function readInit(directory: string): { readonly pid: number; readonly startTime: bigint } {
  let text = ''
  try {
    text = readFileSync(join(directory, 'init'), 'utf8')
  } catch {
    // Not yet written.
  }
  const [, pid, startTime] = /^(\d+) (\d+)\s*$/.exec(text) ?? []
  if (pid === undefined || startTime === undefined) return { pid: 0, startTime: 0n }
  return { pid: Number(pid), startTime: BigInt(startTime) }
}

/** v1 has FROZEN in freezer.state, v2 has 1 in cgroup.freeze. */
function isFrozen(freezerFile: string): boolean {
  if (freezerFile === '') return false
  try {
    return ['FROZEN', '1'].includes(readFileSync(freezerFile, 'utf8').trim())
  } catch {
    return false
  }
}

/**
 * Init waits in the sealed copy of tsrun, the user process is another program. `start` removes the socket after that has
 * begun, and may be killed before it does.
 */
function isInitWaiting(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`).startsWith('/memfd:tsrun')
  } catch {
    return true // a user may not look into it, while it waits
  }
}

/** Reads ROOT/ID. Errors: invalid-id, not-found, state. */
export function readContainer(root: string, id: string): StoredContainer {
  const directory = join(root, checkContainerId(id))
  const plan = readPlan(root, id)
  const { pid, startTime } = readInit(directory)
  const status = (): ContainerStatus => {
    if (!isProcessAlive(pid, startTime)) return 'stopped'
    if (isFrozen(plan.fields.freezerFile)) return 'paused'
    return existsSync(join(directory, 'start.sock')) && isInitWaiting(pid) ? 'created' : 'running'
  }
  return { id, directory, plan, pid, startTime, status: status() }
}

/** What `state` prints. Errors: state. */
export function toReport(container: StoredContainer): ContainerReport {
  const { pid, status, startTime, plan, directory } = container
  const text = fillTemplate(plan.fields.stateOutput, { pid: status === 'stopped' ? 0 : pid, status, startTime })
  try {
    return JSON.parse(text) as ContainerReport
  } catch (e: unknown) {
    throw new TsrunError('state', `"${directory}/plan": the state in it is not JSON`, { cause: e })
  }
}

/** True while a tsrun holds the lock of a state directory, as it does for all of create. */
export function isLocked(directory: string): boolean {
  try {
    const inode = String(statSync(join(directory, 'lock')).ino)
    return readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .some((line) => / FLOCK /.test(line) && line.split(/\s+/)[5]?.split(':')[2] === inode)
  } catch {
    return false
  }
}

/** User name of the owner of a directory; the uid where it has none. */
export function ownerOf(directory: string, passwd: string): string {
  const uid = String(statSync(directory).uid)
  const entry = passwd.split('\n').find((line) => line.split(':')[2] === uid)
  return entry?.split(':')[0] ?? uid
}

/** Ids of the state directories in ROOT, sorted; none when there is no ROOT. Errors: state. */
export function listIds(root: string): readonly string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  } catch (e: unknown) {
    if (hasErrno(e, 'ENOENT')) return []
    throw new TsrunError('state', `state root: open "${root}": ${errnoText(e)}`, { cause: e })
  }
}
