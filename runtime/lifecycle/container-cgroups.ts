// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { type CgroupPaths, controllerDirectory } from '../cgroups/compile-update.ts'
import type { ReadCgroupFile } from '../cgroups/limits-in-force.ts'
import { readState, type StatePaths } from '../compile/state-json.ts'
import type { StoredContainer } from '../state/container.ts'
import { readIfPossible } from './write-limits.ts'

/** Where the container's cgroups and its resctrl group are. Errors: state. */
export function readStatePaths({ directory }: StoredContainer): StatePaths {
  const file = join(directory, 'state.json')
  const text = readIfPossible(file)
  if (text === undefined) throw new TsrunError('state', `state: "${file}" cannot be read`)
  return readState(text)
}

/** Reads files of a container's cgroups. */
export function cgroupReader(paths: CgroupPaths): ReadCgroupFile {
  return (controller, file) => {
    const directory = controllerDirectory(paths, controller)
    return directory === undefined ? undefined : readIfPossible(`${directory}/${file}`)
  }
}
