// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs'

const MOST_LINKS = 40

/**
 * Where a path leads in a root file system, by its links. Whoever owns the root can change them meanwhile: the result is
 * a name to compare with, never a path to open. Undefined for a loop. What does not exist counts as no link.
 */
export function resolveInRoot(root: string, path: string): string | undefined {
  const rest = path.split('/').reverse()
  const done: string[] = []
  let links = 0
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      done.pop()
      continue
    }
    const target = readLink(`${root}/${[...done, name].join('/')}`)
    if (target === undefined) {
      done.push(name)
      continue
    }
    links++
    if (links > MOST_LINKS) return undefined
    if (target.startsWith('/')) done.length = 0
    rest.push(...target.split('/').reverse())
  }
  return `/${done.join('/')}`
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
