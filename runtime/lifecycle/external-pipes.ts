// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TsrunError } from '../../spec/error.ts'
import { DESCRIPTORS_FILE, formatDescriptors } from '../criu/descriptors.ts'
import type { StoredContainer } from '../state/container.ts'
import { errnoText } from '../state/errno-text.ts'
import { listPids } from './list-processes.ts'
import { readIfPossible } from './write-limits.ts'

const ACCESS_MODE = 3
const READ_ONLY = 0

/** What 0, 1 and 2 of init are: pipes that lead out of the container by their names, anything else for the record. */
export function writeDescriptors(container: StoredContainer, images: string): void {
  const inside = pipeEnds(listPids(container))
  const targets = [0, 1, 2].map((fd) => {
    const target = linkOf(`/proc/${container.pid}/fd/${fd}`)
    // The other end: of what is read, one for writing.
    const other = fd === 0 ? 'w' : 'r'
    return inside.has(`${other} ${target}`) ? '' : target
  })
  const file = join(images, DESCRIPTORS_FILE)
  try {
    // Whatever was there before, a link not excepted, is replaced and not written to.
    rmSync(`${file}.new`, { force: true })
    writeFileSync(`${file}.new`, formatDescriptors(targets), { flag: 'wx', mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch (e: unknown) {
    throw new TsrunError('host', `--image-path: write "${file}": ${errnoText(e)}`, { cause: e })
  }
}

/** `r pipe:[1]` and `w pipe:[1]` for all pipes that processes have open. */
function pipeEnds(pids: readonly number[]): ReadonlySet<string> {
  const ends = new Set<string>()
  for (const pid of pids) {
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const target = linkOf(`/proc/${pid}/fd/${fd}`)
      if (!target.startsWith('pipe:')) continue
      const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(readIfPossible(`/proc/${pid}/fdinfo/${fd}`) ?? '') ?? []
      const mode = Number.parseInt(flags, 8) & ACCESS_MODE
      ends.add(`${mode === READ_ONLY ? 'r' : 'w'} ${target}`)
      if (mode === ACCESS_MODE - 1) ends.add(`r ${target}`)
    }
  }
  return ends
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
