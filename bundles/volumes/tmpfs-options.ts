// SPDX-License-Identifier: Apache-2.0
// Options of a tmpfs: those of `--tmpfs PATH:OPTIONS` and `--mount type=tmpfs`, and what becomes of them. Pure.

import { checkTarget, type MountRequest, plainRequest, wrongMount } from './mount-request.ts'

/** Words, and the group that each belongs to: of a group, the last one counts. */
const flags: Readonly<Record<string, string>> = {
  ro: 'ro',
  rw: 'ro',
  suid: 'suid',
  nosuid: 'suid',
  dev: 'dev',
  nodev: 'dev',
  exec: 'exec',
  noexec: 'exec',
  sync: 'sync',
  async: 'sync',
  dirsync: 'dirsync',
  remount: 'remount',
  mand: 'mand',
  nomand: 'mand',
  atime: 'atime',
  noatime: 'atime',
  diratime: 'diratime',
  nodiratime: 'diratime',
  bind: 'bind',
  rbind: 'bind',
  unbindable: 'propagation',
  runbindable: 'propagation',
  private: 'propagation',
  rprivate: 'propagation',
  shared: 'propagation',
  rshared: 'propagation',
  slave: 'propagation',
  rslave: 'propagation',
  relatime: 'relatime',
  norelatime: 'relatime',
  strictatime: 'strictatime',
  nostrictatime: 'strictatime',
  defaults: 'defaults',
}

const values: ReadonlySet<string> = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol', 'huge'])

const groupOf = (option: string): string | undefined => {
  const equals = option.indexOf('=')
  if (equals < 0) return Object.hasOwn(flags, option) ? flags[option] : undefined
  const key = option.slice(0, equals)
  return values.has(key) ? key : undefined
}

/** The last word on each matter counts, and stands where it was said. Errors: DockError, for one that is unknown. */
export function mergeTmpfsOptions(options: readonly string[]): readonly string[] {
  const merged = new Map<string, string>()
  for (const option of options) {
    const group = groupOf(option)
    if (group === undefined) throw wrongMount(`invalid tmpfs option ["${option}"]`)
    merged.delete(group)
    merged.set(group, option)
  }
  return [...merged.values()].filter((option) => option !== 'defaults')
}

/** Reads a `--tmpfs`. Errors: DockError. */
export function parseTmpfsFlag(text: string): MountRequest {
  const colon = text.indexOf(':')
  const [target, options] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  const words = options === '' ? [] : options.split(',')
  mergeTmpfsOptions(words)
  return {
    ...plainRequest,
    type: 'tmpfs',
    source: '',
    target: checkTarget(target),
    readonly: words.findLast((word) => word === 'ro' || word === 'rw') === 'ro',
    details: { Tmpfs: options },
  }
}

/** Bytes in the largest unit that says them without a rest. */
export function tmpfsSize(bytes: number): string {
  for (const [unit, size] of [
    ['g', 2 ** 30],
    ['m', 2 ** 20],
    ['k', 2 ** 10],
  ] as const) {
    if (bytes % size === 0) return `${bytes / size}${unit}`
  }
  return String(bytes)
}
