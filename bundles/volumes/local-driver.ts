// SPDX-License-Identifier: Apache-2.0
// The driver of volumes that there is: a directory, or with options what mount(8) mounts on it. Pure.

import { DockError } from '../error.ts'

/** Each option, and those that it needs beside it. */
const needed: Readonly<Record<string, readonly string[]>> = {
  type: ['device'],
  device: ['type'],
  o: ['device', 'type'],
}

/** Errors: DockError, with Docker's words. */
export function checkDriver(driver: string, options: Readonly<Record<string, string>>): void {
  if (driver !== 'local') throw new DockError(`error looking up volume plugin ${driver}: plugin "${driver}" not found`)
  for (const option of Object.keys(options)) {
    if (option === 'size') throw new DockError('quota size requested but no quota support')
    if (!Object.hasOwn(needed, option)) throw new DockError(`invalid option: "${option}"`)
    for (const other of needed[option] ?? []) {
      if ((options[other] ?? '') === '') throw new DockError(`missing required option: "${other}"`)
    }
  }
}

/** Arguments of mount(8) for a volume with options; undefined: it is a directory alone. */
export function mountArguments(
  options: Readonly<Record<string, string>> | null,
  target: string,
): readonly string[] | undefined {
  const type = options?.['type'] ?? ''
  if (options === null || type === '') return undefined
  const o = options['o'] ?? ''
  return ['-t', type, ...(o === '' ? [] : ['-o', o]), '--', options['device'] ?? '', target]
}
