// SPDX-License-Identifier: Apache-2.0
// What other runtimes do with the fields, read in their sources: runc 1.5.1, crun 1.29.1, youki 0.7.0 (summer of 2026).

export type Support = 'yes' | 'v1' | 'partly' | 'ignored' | 'no'

export interface Peers {
  readonly runc: Support
  readonly crun: Support
  readonly youki: Support
}

type Row = readonly [runc: Support, crun: Support, youki: Support]

/** Field, or what its name begins with -> support. What is not named is supported by all. */
const rows: Readonly<Record<string, Row>> = {
  'ociVersion': ['partly', 'yes', 'yes'],
  'process.consoleSize': ['yes', 'yes', 'ignored'],
  'process.selinuxLabel': ['yes', 'yes', 'ignored'],
  'process.commandLine': ['ignored', 'ignored', 'ignored'],
  'process.user.username': ['ignored', 'ignored', 'ignored'],
  'mounts[].uidMappings': ['yes', 'yes', 'ignored'],
  'mounts[].gidMappings': ['yes', 'yes', 'ignored'],
  'linux.personality.flags': ['ignored', 'ignored', 'ignored'],
  'linux.mountLabel': ['yes', 'yes', 'partly'],
  'linux.intelRdt.closID': ['partly', 'yes', 'yes'],
  'linux.resources.memory.kernel': ['ignored', 'v1', 'v1'],
  'linux.resources.memory.swappiness': ['v1', 'v1', 'v1'],
  'linux.resources.memory.disableOOMKiller': ['v1', 'v1', 'v1'],
  'linux.resources.memory.useHierarchy': ['v1', 'v1', 'v1'],
  'linux.resources.memory.checkBeforeUpdate': ['yes', 'yes', 'no'],
  'linux.resources.cpu.realtimeRuntime': ['v1', 'v1', 'v1'],
  'linux.resources.cpu.realtimePeriod': ['v1', 'v1', 'v1'],
  'linux.resources.hugepageLimits': ['yes', 'partly', 'partly'],
  'linux.resources.network': ['v1', 'v1', 'v1'],
  'linux.resources.rdma': ['yes', 'no', 'no'],
}

const optionRows: Readonly<Record<string, Row>> = {
  iversion: ['yes', 'no', 'no'],
  noiversion: ['yes', 'no', 'no'],
  lazytime: ['yes', 'no', 'no'],
  nolazytime: ['yes', 'no', 'no'],
  silent: ['yes', 'no', 'no'],
  loud: ['yes', 'no', 'no'],
  nosymfollow: ['yes', 'no', 'no'],
  symfollow: ['yes', 'no', 'no'],
  rnosymfollow: ['yes', 'no', 'yes'],
  rsymfollow: ['yes', 'no', 'yes'],
  idmap: ['yes', 'yes', 'ignored'],
  ridmap: ['yes', 'partly', 'ignored'],
  tmpcopyup: ['yes', 'yes', 'no'],
}

const ALL: Row = ['yes', 'yes', 'yes']

function toPeers([runc, crun, youki]: Row): Peers {
  return { runc, crun, youki }
}

/** Whether a field belongs to what a name begins with. */
export function startsWithField(field: string, start: string): boolean {
  return field.startsWith(start) && /^([.[{=]|TCP|$)/.test(field.slice(start.length))
}

/** The longest name that a field begins with counts. */
export function peersOf(field: string): Peers {
  const found = Object.keys(rows)
    .filter((start) => startsWithField(field, start))
    .sort((a, b) => b.length - a.length)[0]
  return toPeers(found === undefined ? ALL : (rows[found] ?? ALL))
}

export function peersOfOption(option: string): Peers {
  return toPeers(optionRows[option] ?? ALL)
}

/** Names that must be fields, so that no row is about nothing. */
export const PEER_ROWS: readonly string[] = Object.keys(rows)
export const PEER_OPTIONS: readonly string[] = Object.keys(optionRows)
