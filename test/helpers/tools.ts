// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Need } from './host.ts'

/** Where a program is. */
export const findOnPath = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path))

/** Needs programs of the host. */
export const needsPrograms =
  (...names: readonly string[]): Need =>
  () => {
    const missing = names.filter((name) => findOnPath(name) === undefined)
    return missing.length === 0 ? undefined : `no ${missing.join(', ')} on this host`
  }
