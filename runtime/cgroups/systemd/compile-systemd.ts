// SPDX-License-Identifier: Apache-2.0
import { TsrunError } from '../../../spec/error.ts'
import type { Op } from '../../plan/ops.ts'
import type { CgroupContext, CgroupInput, CgroupPlan, ContainerCgroup } from '../cgroup-plan.ts'
import { compileDevicePolicy } from '../device-policy.ts'
import { finishPlan, isInitialUserNamespace, vacancyCheck } from '../finish-plan.ts'
import { type CgroupLayout, directoryIn } from '../hierarchies.ts'
import { limitCgroupsV1 } from '../v1/compile-v1.ts'
import { compileResourcesV1 } from '../v1/resources.ts'
import { limitCgroupV2 } from '../v2/compile-v2.ts'
import { compileResourcesV2 } from '../v2/resources.ts'
import { annotationProperties } from './annotations.ts'
import { deviceProperties } from './device-properties.ts'
import { delegationHint, findManager, type Manager } from './manager.ts'
import { propertiesV1 } from './properties-v1.ts'
import { propertiesV2 } from './properties-v2.ts'
import { booleanProperty, propertyText, textProperty, type UnitProperty } from './property.ts'
import { toUnit, type Unit } from './unit.ts'

/**
 * Ops for the systemd driver: init is cloned where its caller is, and while it waits systemd starts a unit with it. What
 * the unit's properties cannot say is written to its cgroup after that, as are the limits that they do say: systemd rounds.
 * Spec: config-linux.md#cgroups-path. Errors: invalid-config, not-supported, cgroup.
 */
export function compileSystemd(input: CgroupInput, layout: CgroupLayout): CgroupPlan {
  const { spec, id, facts, rootless } = input
  if (layout.mode === 'none') {
    throw new TsrunError('cgroup', '--systemd-cgroup: no cgroup hierarchy is mounted; mount one below /sys/fs/cgroup')
  }
  const manager = findManager(facts, layout, rootless)
  const asked = spec.linux?.cgroupsPath || undefined
  const unit = toUnit(asked, id, manager.name)
  const cgroups = layout.hierarchies.map((hierarchy) => ({
    hierarchy,
    directory: directoryIn(hierarchy, manager.cgroup + unit.path),
  }))
  const [first] = layout.hierarchies
  const context: CgroupContext = {
    input,
    resources: spec.linux?.resources ?? {},
    cgroups,
    origin: {
      cause: asked === undefined ? 'flag:--systemd-cgroup' : '/linux/cgroupsPath',
      label: asked === undefined ? '--systemd-cgroup' : `linux.cgroupsPath (${asked})`,
    },
    lenient: [],
    devices: isInitialUserNamespace(facts.uidMap) && manager.name === 'system',
    available: manager.controllers,
    missing: (controller) => delegationHint(manager, controller),
    above: first === undefined ? '' : directoryIn(first, manager.cgroup),
  }
  const pureV2 = layout.mode === 'v2'
  const adopt: Op[] = [
    startUnit(unit, manager, context, pureV2),
    ...(pureV2 ? limitCgroupV2(context) : limitCgroupsV1(context)),
    ...joins(unit, pureV2, context),
  ]
  // The main cgroup is looked at in any case; on v1 it is none of systemd's.
  const prepare = cgroups
    .filter(({ hierarchy }) => !pureV2 && isSystemds(hierarchy.controllers))
    .map((cgroup) => vacancyCheck(cgroup, context))
  const stop: Op = { kind: 'systemd-stop', bus: manager.name, unit: unit.name, ...context.origin }
  return finishPlan(context, layout, { prepare, adopt, setup: [], cgroupSlot: null, undo: [stop], unit })
}

/** The hierarchies in which every unit has its cgroup. */
function isSystemds(controllers: readonly string[]): boolean {
  return controllers.length === 0 || controllers.includes('name=systemd')
}

function startUnit(unit: Unit, manager: Manager, context: CgroupContext, pureV2: boolean): Op {
  return {
    kind: 'systemd-start',
    bus: manager.name,
    unit: unit.name,
    properties: unitProperties(unit, context, pureV2).map(propertyText),
    // A slice is started without a process.
    cgroup: unit.kind === 'scope' ? manager.cgroup + unit.path : '',
    ...context.origin,
  }
}

function unitProperties(unit: Unit, { input, resources, devices }: CgroupContext, pureV2: boolean): UnitProperty[] {
  // systemd refuses slices that delegate, and their parent is in their name.
  const place = unit.kind === 'scope' ? [textProperty('Slice', unit.slice), booleanProperty('Delegate', true)] : []
  const accounting = [
    'CPUAccounting',
    'MemoryAccounting',
    pureV2 ? 'IOAccounting' : 'BlockIOAccounting',
    'TasksAccounting',
  ]
  return [
    textProperty('Description', `tsrun container ${input.id}`),
    ...place,
    booleanProperty('DefaultDependencies', false),
    ...accounting.map((name) => booleanProperty(name, true)),
    ...(devices ? deviceProperties(compileDevicePolicy(resources.devices ?? [])) : []),
    ...(pureV2 ? propertiesV2(compileResourcesV2(resources)) : propertiesV1(compileResourcesV1(resources))),
    ...annotationProperties(input.spec.annotations),
  ]
}

/**
 * Init goes where systemd has not put it: into the hierarchies of v1 that systemd does not manage, and into a slice. It has
 * one thread yet, so that the file for tasks does on v1, which is quicker.
 */
function joins(unit: Unit, pureV2: boolean, { cgroups, origin }: CgroupContext): Op[] {
  if (pureV2 && unit.kind === 'scope') return []
  const join = ({ hierarchy, directory }: ContainerCgroup): Op => ({
    kind: 'join-pid',
    path: `${directory}/${hierarchy.version === 2 ? 'cgroup.procs' : 'tasks'}`,
    ...origin,
  })
  return cgroups.map(join)
}
