// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel } from '../../spec/pointer.ts'
import type { LimitChange } from '../cgroups/compile-update.ts'
import { errnoText, hasErrno } from '../state/errno-text.ts'

/** The whole text of a small file, or undefined when it cannot be read. */
export function readIfPossible(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** One write(2): the kernel takes a setting whole or not at all. Never makes a file. */
export function writeSetting(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY)
  try {
    writeSync(fd, value)
  } finally {
    closeSync(fd)
  }
}

interface Previous {
  readonly path: string
  readonly value: string
}

/**
 * What to write to have a setting back as it is in the text of its file; undefined when that does not tell. Files with a line
 * for each device are set line by line, and one that has no line has no limit.
 */
export function previousSetting(
  text: string,
  { file, value }: Pick<LimitChange, 'file' | 'value'>,
): string | undefined {
  const lines = text.split('\n').filter((line) => line !== '')
  const [device = '', ...words] = value.split(' ')
  if (words.length === 0 || file === 'cpu.max') {
    return lines.length === 1 ? lines[0] : lines.find((line) => line.startsWith('default '))
  }
  const old =
    lines
      .find((line) => line.startsWith(`${device} `))
      ?.split(' ')
      .slice(1) ?? []
  if (words[0]?.includes('=') !== true) return `${device} ${old[0] ?? (file.includes('weight') ? 'default' : '0')}`
  const limits = words.map((word) => {
    const name = word.slice(0, word.indexOf('=') + 1)
    return old.find((known) => known.startsWith(name)) ?? `${name}max`
  })
  return [device, ...limits].join(' ')
}

function previousOf(path: string, change: LimitChange): Previous | undefined {
  const text = readIfPossible(path)
  const value = text === undefined ? undefined : previousSetting(text, change)
  return value === undefined ? undefined : { path, value }
}

function restore(previous: readonly Previous[]): void {
  for (const { path, value } of previous.toReversed()) {
    try {
      writeSetting(path, value)
    } catch {
      // The failure that led here is the one to tell of.
    }
  }
}

function toError(path: string, { pointer, file, value }: LimitChange, cause: unknown): TsrunError {
  let hint = ''
  if (file === 'memory.limit_in_bytes' && hasErrno(cause, 'EBUSY')) {
    const number = (name: string): string => readIfPossible(path.replace(/[^/]*$/, name))?.trim() ?? 'unknown'
    const usage = `current usage: ${number('memory.usage_in_bytes')}, peak usage: ${number('memory.max_usage_in_bytes')}`
    hint = `unable to set memory limit to ${value} (${usage}): `
  }
  const unknown = hasErrno(cause, 'ENOENT') && existsSync(dirname(path))
  const why = unknown ? `, a setting that this kernel does not have: ${errnoText(cause)}` : `: ${errnoText(cause)}`
  const what = `${pointerLabel(pointer)}: ${hint}write "${value}" to "${path}"${why}`
  return new TsrunError('cgroup', what, { pointer, cause })
}

/**
 * Changes limits, all or none as far as the kernel allows to go back. It checks some settings against each other
 * (quota and period, quota and burst, weight and idle), and which order it takes depends on the values in force: what
 * it calls invalid is tried again behind the others. Returns how to go back. Errors: cgroup.
 */
export function writeLimits(changes: readonly LimitChange[]): () => void {
  const previous: Previous[] = []
  const write = (change: LimitChange): unknown => {
    const path = `${change.directory}/${change.file}`
    const before = previousOf(path, change)
    try {
      writeSetting(path, change.value)
      if (before !== undefined) previous.push(before)
      return undefined
    } catch (e: unknown) {
      return change.tolerate?.some((errno) => hasErrno(e, errno)) ? undefined : e
    }
  }
  const fail = (change: LimitChange, cause: unknown): never => {
    restore(previous)
    throw toError(`${change.directory}/${change.file}`, change, cause)
  }
  const again: LimitChange[] = []
  for (const change of changes) {
    const failure = write(change)
    if (failure !== undefined && !hasErrno(failure, 'EINVAL')) fail(change, failure)
    if (failure !== undefined) again.push(change)
  }
  for (const change of again) {
    const failure = write(change)
    if (failure !== undefined) fail(change, failure)
  }
  return () => restore(previous)
}
