// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import type { HostFacts } from '../../facts/request.ts'
import type { CgroupLayout } from '../hierarchies.ts'
import { parseOwnCgroups } from '../hierarchies.ts'
import type { ManagerName } from './unit.ts'

/** The service manager that makes the container's unit. */
export interface Manager {
  readonly name: ManagerName
  /** Its cgroup as /proc/PID/cgroup tells it: '' or '/user.slice/user-1000.slice/user@1000.service'. */
  readonly cgroup: string
  /** v2: the controllers that it can give to its units; undefined when that is not known. */
  readonly controllers: readonly string[] | undefined
}

function refuse(what: string): TsrunError {
  return new TsrunError('cgroup', `--systemd-cgroup: ${what}`)
}

/** Errors: cgroup when there is no manager that could be asked. */
export function findManager(facts: HostFacts, layout: CgroupLayout, rootless: boolean): Manager {
  const { systemd } = facts
  if (systemd === undefined) {
    throw refuse('systemd does not run on this host (no /run/systemd/system); leave the flag out')
  }
  // Root of a user namespace that has a systemd of its own, as in a container that was booted.
  const ours = facts.uid === 0 && systemd.pid1Uid === 0
  if (!rootless || ours) {
    const controllers = layout.mode === 'v2' ? words(facts.cgroupControllers) : undefined
    return { name: 'system', cgroup: managerCgroup(systemd.pid1Cgroup), controllers }
  }
  if (layout.mode !== 'v2') {
    throw refuse("without root it needs cgroup v2 alone: on this host a user's systemd manages no cgroups")
  }
  return { name: 'user', cgroup: systemd.userCgroup, controllers: words(systemd.userControllers) }
}

function words(text: string | undefined): readonly string[] | undefined {
  return text?.split(/\s+/).filter((name) => name !== '')
}

/** PID 1 has moved into a leaf below its own cgroup. */
function managerCgroup(pid1: string): string {
  const own = parseOwnCgroups(pid1)
  const place = own.get('name=systemd') ?? own.get('') ?? '/'
  return place.replace(/\/init\.scope$/, '').replace(/\/$/, '')
}

/** Those that systemd manages: no others reach a user. */
const delegable: ReadonlySet<string> = new Set(['cpu', 'cpuset', 'io', 'memory', 'pids'])

/** Why the user's manager cannot give a controller, and what to do about it. '' for the system's. */
export function delegationHint({ name, controllers }: Manager, controller: string): string {
  if (name === 'system') return ''
  if (!delegable.has(controller)) return 'is none that systemd delegates to users: only root can have this limit'
  const had = controllers === undefined || controllers.length === 0 ? 'none' : controllers.join(' ')
  return (
    `is not delegated to this user's systemd, which has: ${had}; as root write the lines "[Service]" and ` +
    '"Delegate=cpu cpuset io memory pids" to /etc/systemd/system/user@.service.d/delegate.conf, run ' +
    'systemctl daemon-reload, and log in anew'
  )
}
