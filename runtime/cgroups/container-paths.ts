// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { Hierarchy } from './hierarchies.ts'

/**
 * Directory of the container's cgroup in a hierarchy.
 * An absolute cgroupsPath counts from the mount point. A relative one, and the container's id when the
 * path is absent, count from the caller's own cgroup; on pure v2 from the parent of that one, because a
 * cgroup with processes cannot hand controllers down.
 * Spec: config-linux.md#cgroups-path
 */
export function containerDirectory(
  hierarchy: Hierarchy,
  cgroupsPath: string | undefined,
  id: string,
  pureV2: boolean,
): string {
  if (cgroupsPath?.startsWith('/')) return hierarchy.mountPoint + cleanPath(cgroupsPath)
  const base = pureV2 ? parentOf(hierarchy.own) : hierarchy.own
  return hierarchy.mountPoint + base + cleanPath(cgroupsPath ?? id)
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

/** '/a/b' for any spelling of it. Errors: invalid-config for '..', a NUL and the hierarchy's own root. */
function cleanPath(path: string): string {
  const parts = partsOf(path)
  if (parts.includes('..')) throw badPath(path, 'must not contain ".."')
  if (path.includes('\0') || path.includes('\n')) {
    throw badPath(path, 'must not contain control characters')
  }
  if (parts.length === 0) throw badPath(path, 'must name a cgroup below the root')
  return `/${parts.join('/')}`
}

function partsOf(path: string): readonly string[] {
  const parts: string[] = []
  for (const part of path.split('/')) if (part !== '' && part !== '.') parts.push(part)
  return parts
}

function badPath(path: string, what: string): TsrunError {
  return new TsrunError('invalid-config', `linux.cgroupsPath (${JSON.stringify(path)}): ${what}`, {
    pointer: '/linux/cgroupsPath',
  })
}

/**
 * A cgroup given relative to the container's. Errors: usage when it leads out of it.
 */
export function subDirectory(base: string, relative: string): string {
  const parts = partsOf(relative)
  if (parts.includes('..')) {
    throw new TsrunError('usage', `--cgroup: bad sub cgroup path: ${relative}`)
  }
  return parts.length === 0 ? base : `${base}/${parts.join('/')}`
}
