// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../spec/error.ts'
import type { HostFacts } from '../facts/request.ts'
import type { FdSlot, Op, Provenance, Tolerated } from '../plan/ops.ts'
import type { SlotAllocator } from '../plan/slots.ts'
import { subDirectory } from './container-paths.ts'
import { parseCgroupLayout, parseOwnCgroups } from './hierarchies.ts'
import { openTasks, openUnified } from './join.ts'
import { toUnitName } from './systemd/unit.ts'

/** What the way of `exec` into the container's cgroups is compiled from. */
export interface ExecCgroupInput {
  /** cgroup_paths of state.json. */
  readonly paths: Readonly<Record<string, string>>
  /** /proc/PID/cgroup of the container's init. */
  readonly targetCgroup: string
  readonly facts: HostFacts
  readonly slots: SlotAllocator
  /** Values of `--cgroup`: `[controller[,controller...]:]path`, relative to the container's cgroup. */
  readonly cgroupOptions: readonly string[]
  /** The caller is not root of the host: what cannot be joined is done without. */
  readonly rootless?: boolean | undefined
  /** systemd has made the container's cgroup. */
  readonly systemd?: boolean | undefined
}

/** Ops that let the process of `exec` join; a controller's cgroup that is gone is skipped. */
export function compileExecCgroups(input: ExecCgroupInput): {
  prepare: readonly Op[]
  adopt: readonly Op[]
  setup: readonly Op[]
  cgroupSlot: FdSlot | null
} {
  const chosen = parseCgroupOptions(input.cgroupOptions)
  for (const controller of chosen.keys()) {
    if (controller !== '' && !(controller in input.paths)) {
      throw new TsrunError('usage', `--cgroup: unknown controller ${controller}`)
    }
  }
  const prepare: Op[] = []
  const adopt: Op[] = []
  const setup: Op[] = []
  let cgroupSlot: FdSlot | null = null
  const seen = new Set<string>()
  const pureV2 = Object.keys(input.paths).every((controller) => controller === '')
  for (const [controller, base] of Object.entries(input.paths)) {
    const sub = chosen.get(controller) ?? (chosen.size === 1 ? chosen.get('') : undefined)
    const directory = sub === undefined ? base : subDirectory(base, sub)
    if (seen.has(directory)) continue
    seen.add(directory)
    const origin: Provenance = {
      cause: sub === undefined ? 'runtime' : 'flag:--cgroup',
      // Callers look for "adding pid".
      label: sub === undefined ? 'cgroup of the container' : `--cgroup ${sub}: error adding pid to it`,
    }
    // What was asked for on the command line must be there; and pure v2 has no other cgroup to be in.
    const tolerate: Tolerated[] = input.rootless && sub === undefined ? ['ENOENT', 'EPERM'] : []
    if (sub === undefined && !pureV2) tolerate.push('ENOENT')
    const place = controller === '' && sub === undefined ? unifiedPlace(directory, input) : directory
    if (controller === '' && pureV2 && needsManager(base, input)) {
      const below = place.slice(base.length)
      adopt.push({ kind: 'systemd-attach', bus: 'user', unit: toUnitName(lastPart(base)), below, ...origin })
      continue
    }
    const slot = input.slots.next()
    if (controller === '') {
      cgroupSlot = slot
      prepare.push(openUnified(place, slot, origin, tolerate))
    } else {
      prepare.push(openTasks(directory, slot, origin, tolerate))
      setup.push({ kind: 'join-cgroup', slot, ...origin })
    }
  }
  return { prepare, adopt, setup, cgroupSlot }
}

/**
 * A process may go from one cgroup into another when it may write to the one that both are in. A user's login is not below
 * the user's service manager, but that one can have the process moved. Spec: cgroups(7), delegation containment.
 */
function needsManager(directory: string, { facts, rootless, systemd }: ExecCgroupInput): boolean {
  if (!systemd || !rootless || facts.uid === 0) return false
  const { hierarchies } = parseCgroupLayout(facts.mountinfo, facts.cgroup)
  const mount = hierarchies.find((hierarchy) => hierarchy.version === 2)
  if (mount === undefined) return false
  const delegated = /^.*?\/user@\d+\.service(?=\/)/.exec(mount.own)?.[0]
  return delegated === undefined || !directory.startsWith(`${mount.mountPoint}${delegated}/`)
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * Where in the unified hierarchy the process goes. When init has moved on into a cgroup of its own below the
 * container's (systemd does), the container's own has controllers enabled and takes no process any more.
 */
function unifiedPlace(directory: string, input: ExecCgroupInput): string {
  const place = placeOfInit(input)
  return place?.startsWith(`${directory}/`) && !place.includes('/../') ? place : directory
}

/** The directory of init in the unified hierarchy. */
function placeOfInit({ facts, targetCgroup }: Pick<ExecCgroupInput, 'facts' | 'targetCgroup'>): string | undefined {
  const own = parseOwnCgroups(targetCgroup).get('')
  const layout = parseCgroupLayout(facts.mountinfo, facts.cgroup)
  const mount = layout.hierarchies.find((hierarchy) => hierarchy.version === 2)
  return own === undefined || mount === undefined ? undefined : `${mount.mountPoint}${own}`
}

/** True when init is where it was put, so that exec goes there, too. */
export function staysInItsCgroup(input: Pick<ExecCgroupInput, 'facts' | 'targetCgroup' | 'paths'>): boolean {
  const directory = input.paths['']
  const place = placeOfInit(input)
  return directory === undefined || place === undefined || place === directory
}

function parseCgroupOptions(options: readonly string[]): ReadonlyMap<string, string> {
  const chosen = new Map<string, string>()
  for (const option of options) {
    const colon = option.indexOf(':')
    if (colon < 0) {
      if (options.length !== 1) {
        throw new TsrunError('usage', `invalid --cgroup argument: ${option} (missing <controller>: prefix)`)
      }
      chosen.set('', option)
      continue
    }
    for (const controller of option.slice(0, colon).split(',')) {
      if (controller === '') {
        throw new TsrunError('usage', `invalid --cgroup argument: ${option} (empty <controller> prefix)`)
      }
      if (chosen.has(controller)) {
        throw new TsrunError('usage', `invalid --cgroup argument(s): controller ${controller} specified multiple times`)
      }
      chosen.set(controller, option.slice(colon + 1))
    }
  }
  return chosen
}
