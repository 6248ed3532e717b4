// SPDX-License-Identifier: Apache-2.0
import { type CgroupLayout, parseCgroupLayout } from '../cgroups/hierarchies.ts'
import type { CheckFacts, Finding } from './finding.ts'

/** Controllers that limits of config.json need, by the name that v2 has for them. */
const wanted = ['cpu', 'cpuset', 'io', 'memory', 'pids'] as const
const v1Names: Readonly<Record<string, string>> = { io: 'blkio' }

/** Makes systemd hand all of them down to users. */
const dropIn = [
  'as root: mkdir -p /etc/systemd/system/user@.service.d',
  "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' >/etc/systemd/system/user@.service.d/delegate.conf",
  'systemctl daemon-reload, and log in anew',
].join('; ')

/** How control groups are mounted, which controllers there are, and whether the caller may use them. */
export function judgeCgroups(facts: CheckFacts): readonly Finding[] {
  const layout = parseCgroupLayout(facts.mountinfo, facts.selfCgroup)
  if (layout.mode === 'none') {
    return [
      {
        name: 'cgroups',
        status: 'degraded',
        found: 'none is mounted',
        advice: 'mount -t cgroup2 none /sys/fs/cgroup; without it there are no limits and no pause',
      },
    ]
  }
  const places = layout.hierarchies.map(({ mountPoint }) => mountPoint)
  const name: Finding = { name: 'cgroups', status: 'ok', found: `${layout.mode}, ${describe(places)}` }
  return [name, judgeControllers(facts, layout), judgePermission(facts, layout)]
}

function describe(places: readonly string[]): string {
  return places.length === 1 ? `at ${places[0]}` : `${places.length} hierarchies`
}

function judgeControllers(facts: CheckFacts, layout: CgroupLayout): Finding {
  const name = 'controllers'
  const have = new Set(
    layout.mode === 'v2' ? facts.controllers : layout.hierarchies.flatMap(({ controllers }) => controllers),
  )
  const lacking = wanted.filter(
    (controller) => !have.has(layout.mode === 'v2' ? controller : (v1Names[controller] ?? controller)),
  )
  const freezer = layout.mode === 'v2' || have.has('freezer')
  const absent = freezer ? lacking : [...lacking, 'freezer']
  if (absent.length === 0) return { name, status: 'ok', found: [...have].join(' ') }
  return {
    name,
    status: 'degraded',
    found: `without ${absent.join(' ')}`,
    advice: 'limits that need them are refused; the kernel command line (cgroup_disable=) may have switched them off',
  }
}

/** Whether the caller may make cgroups, and with which controllers. */
function judgePermission(facts: CheckFacts, layout: CgroupLayout): Finding {
  const name = 'cgroup delegation'
  if (facts.cgroupWritable) {
    if (layout.mode !== 'v2' || facts.uid === 0) return { name, status: 'ok', found: 'cgroups can be made' }
    const lacking = wanted.filter((controller) => facts.delegated?.includes(controller) !== true)
    if (lacking.length === 0) return { name, status: 'ok', found: wanted.join(' ') }
    return { name, status: 'degraded', found: `without ${lacking.join(' ')}`, advice: dropIn }
  }
  if (facts.uid === 0) {
    return {
      name,
      status: 'missing',
      found: 'no cgroup can be made here',
      advice: 'mount cgroups writable, or run tsrun with --cgroup-manager disabled or --rootless true',
    }
  }
  const advice =
    layout.mode !== 'v2'
      ? 'a user without root gets no cgroups of v1: boot with systemd.unified_cgroup_hierarchy=1'
      : facts.systemd
        ? `run it in a scope of your own (systemd-run --user --scope -p Delegate=yes). For all controllers, ${dropIn}`
        : 'let root make a cgroup and give it to the user (chown)'
  return { name, status: 'degraded', found: 'no limits: no cgroup can be made here', advice }
}
