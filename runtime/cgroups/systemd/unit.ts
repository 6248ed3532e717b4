// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'

/** Which service manager is asked: that of the host, or that of the caller's login. */
export type ManagerName = 'system' | 'user'

/** The unit that a container lives in. */
export interface Unit {
  readonly manager: ManagerName
  /** `prefix-name.scope`, or a slice. */
  readonly name: string
  /** The slice that it lies in. */
  readonly slice: string
  readonly kind: 'scope' | 'slice'
  /** Parts of cgroupsPath, as state.json keeps them. */
  readonly prefix: string
  readonly id: string
  /** Its cgroup, below that of its manager: /system.slice/prefix-name.scope */
  readonly path: string
}

const MOST_NAME = 255

function bad(path: string | undefined, what: string): TsrunError {
  const object = path === undefined ? 'linux.cgroupsPath' : `linux.cgroupsPath (${JSON.stringify(path)})`
  return new TsrunError('invalid-config', `${object}: ${what}`, { pointer: '/linux/cgroupsPath' })
}

/**
 * cgroupsPath as systemd's driver means it: slice:prefix:name. An empty slice is the manager's usual one; a name that ends
 * in .slice is a slice of its own, any other a scope. Errors: invalid-config.
 */
export function toUnit(cgroupsPath: string | undefined, id: string, manager: ManagerName): Unit {
  const [slice = '', prefix = '', name = '', ...rest] = cgroupsPath?.split(':') ?? ['', 'tsrun', id]
  if (cgroupsPath !== undefined && (rest.length > 0 || cgroupsPath.split(':').length < 3 || name === '')) {
    // Callers know these words.
    throw bad(
      undefined,
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`,
    )
  }
  const kind = name.endsWith('.slice') ? 'slice' : 'scope'
  const parent = slice === '' ? (manager === 'user' ? 'user.slice' : 'system.slice') : slice
  const unit = kind === 'slice' ? name : `${escapeName(prefix === '' ? name : `${prefix}-${name}`)}.scope`
  if (new TextEncoder().encode(unit).length > MOST_NAME) {
    throw bad(cgroupsPath, `the name of its unit is longer than ${MOST_NAME} bytes: ${unit.slice(0, 40)}...`)
  }
  const above = expandSlice(parent, cgroupsPath)
  const path = kind === 'slice' ? expandSlice(unit, cgroupsPath) : `${above}/${toDirectory(unit)}`
  return { manager, name: unit, slice: parent, kind, prefix, id: name, path }
}

/**
 * Where a slice lies: a-b.slice in a.slice, which its name says. '' for the root slice.
 * Spec: systemd.slice(5). Errors: invalid-config for what is no name of a slice.
 */
export function expandSlice(slice: string, cgroupsPath?: string): string {
  const refuse = () =>
    bad(cgroupsPath, `${JSON.stringify(slice)} is not the name of a slice, such as system.slice or a-b.slice`)
  if (slice === '-.slice') return ''
  if (!/^[A-Za-z0-9:_.\\-]+\.slice$/.test(slice)) throw refuse()
  const parts = slice.slice(0, -'.slice'.length).split('-')
  if (parts.includes('')) throw refuse()
  let path = ''
  for (let count = 1; count <= parts.length; count++) {
    path += `/${toDirectory(`${parts.slice(0, count).join('-')}.slice`)}`
  }
  return path
}

/** As systemd-escape does for what no name of a unit may have: \x2b for +. Spec: systemd.unit(5) */
function escapeName(name: string): string {
  if (/^[A-Za-z0-9:_.@\\-]*$/.test(name)) return name
  let text = ''
  for (const byte of new TextEncoder().encode(name)) {
    const letter = String.fromCharCode(byte)
    text += /[A-Za-z0-9:_.@\\-]/.test(letter) ? letter : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return text
}

const reserved =
  /^(?:[_.]|cgroup\.|(?:cpu|cpuacct|cpuset|io|blkio|memory|devices|pids)\.|(?:notify_on_release|release_agent|tasks)$)/

/** Directory of a unit: systemd puts an underscore before what could be a file of a cgroup. */
function toDirectory(unit: string): string {
  return reserved.test(unit) ? `_${unit}` : unit
}

/** The way back. */
export function toUnitName(directory: string): string {
  return directory.startsWith('_') && reserved.test(directory.slice(1)) ? directory.slice(1) : directory
}
