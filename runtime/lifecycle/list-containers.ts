// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { TsrunError } from '../../spec/error.ts'
import { type ContainerReport, isLocked, listIds, ownerOf, readContainer, toReport } from '../state/container.ts'

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}

/**
 * The containers of a state root, sorted by id. One that cannot be read is told to `warn` and left out: it must not hide
 * the others. Errors: state, when the root itself cannot be read.
 */
export function listContainers(root: string, warn: (message: string) => void): readonly ContainerReport[] {
  const passwd = readPasswd()
  const reports: ContainerReport[] = []
  for (const id of listIds(root)) {
    try {
      const container = readContainer(root, id)
      if (container.pid === 0 && isLocked(container.directory)) continue
      reports.push({ ...toReport(container), owner: ownerOf(container.directory, passwd) })
    } catch (e: unknown) {
      // What is only being made or removed while we look is not there, as for `state`.
      if (e instanceof TsrunError && (e.code === 'not-found' || e.code === 'invalid-id')) continue
      warn(`list: ${id}: ${e instanceof Error ? e.message : String(e)}`)
    }
  }
  return reports
}
