// SPDX-License-Identifier: Apache-2.0
// Configs that have every field of Linux once, and hosts on which they can be compiled.

import type { HostFacts } from '../../runtime/facts/request.ts'
import { factsOf, hybrid, unified } from '../unit/runtime/cgroups/hosts.ts'
import { fullConfig, type Json } from '../unit/spec/configs.ts'
import { withValue } from '../unit/spec/mutate.ts'

/** One way to compile a config. */
export interface Setting {
  /** As the table names it. */
  readonly name: string
  readonly verb: 'create' | 'exec' | 'update'
  readonly config: Json
  readonly facts: HostFacts
}

const resctrl = '50 21 0:50 / /sys/fs/resctrl rw - resctrl resctrl rw\n'
const moreControllers = ['net_cls', 'net_prio', 'hugetlb', 'rdma']
  .map((name, at) => `6${at} 31 0:6${at} / /sys/fs/cgroup/${name} rw,relatime - cgroup cgroup rw,${name}\n`)
  .join('')
const security = { lsm: ['apparmor', 'selinux'] }

const hostV1: HostFacts = {
  ...factsOf(hybrid),
  ...security,
  mountinfo: hybrid.mountinfo + moreControllers + resctrl,
  cgroup: `${hybrid.cgroup}${['net_cls', 'net_prio', 'hugetlb', 'rdma'].map((name, at) => `2${at}:${name}:/\n`).join('')}`,
}
const hostV2: HostFacts = { ...factsOf(unified), ...security, mountinfo: unified.mountinfo + resctrl }

/** Where v2 has nothing for a field, it is refused: each of these alone. */
export const ONLY_V1: readonly string[] = [
  'memory/swappiness',
  'memory/disableOOMKiller',
  'cpu/realtimeRuntime',
  'cpu/realtimePeriod',
  'blockIO/leafWeight',
  'blockIO/weightDevice/0/leafWeight',
  'network/classID',
  'network/priorities',
].map((field) => `/linux/resources/${field}`)

/** And what v2 only warns of, like runc, though v1 has it. */
export const IGNORED_ON_V2 = '/linux/resources/memory/kernelTCP'

function changed(document: Json, changes: Readonly<Record<string, unknown>>): Json {
  return Object.entries(changes).reduce((config, [pointer, value]) => withValue(config, pointer, value), document)
}

const base = changed(fullConfig(), {
  '/process/commandLine': 'sh',
  '/process/user/username': 'x',
  '/mounts/2': { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['mode=700'] },
  '/linux/resources/memory/checkBeforeUpdate': false,
  '/process/noNewPrivileges': false,
  '/process/user/uid': 7,
  '/mounts/0/options': ['nosuid'],
  '/linux/resources/memory/disableOOMKiller': true,
  '/linux/resources/memory/useHierarchy': false,
  '/linux/resources/memory/swappiness': 10,
  '/linux/seccomp/defaultErrnoRet': undefined,
})

const v1 = withValue(base, '/linux/resources/unified', undefined)
const v2 = ONLY_V1.reduce((config, pointer) => withValue(config, pointer, undefined), base)
const errnoByDefault = changed(v1, {
  '/linux/seccomp/defaultAction': 'SCMP_ACT_ERRNO',
  '/linux/seccomp/defaultErrnoRet': 4,
  '/linux/seccomp/syscalls/0/action': 'SCMP_ACT_ALLOW',
  '/linux/seccomp/syscalls/0/errnoRet': undefined,
  '/linux/seccomp/flags/0': 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
  // Not all of them, so that each can be another one.
  '/linux/namespaces': [
    ...['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
    { type: 'network', path: '/proc/7/ns/net' },
  ],
  '/linux/timeOffsets': undefined,
  '/linux/uidMappings': undefined,
  '/linux/gidMappings': undefined,
  '/process/scheduler': { policy: 'SCHED_FIFO', priority: 5 },
  '/linux/devices/0/type': 'u',
})

/** Where a change of a field must show. */
export const SETTINGS: readonly Setting[] = [
  { name: 'cgroup v1', verb: 'create', config: v1, facts: hostV1 },
  { name: 'cgroup v2', verb: 'create', config: v2, facts: hostV2 },
  { name: 'cgroup v1', verb: 'create', config: errnoByDefault, facts: hostV1 },
  { name: 'exec', verb: 'exec', config: v1, facts: hostV1 },
  { name: 'update', verb: 'update', config: v1, facts: hostV1 },
  { name: 'update', verb: 'update', config: v2, facts: hostV2 },
]
