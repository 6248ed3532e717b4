// SPDX-License-Identifier: Apache-2.0
// What a field does, found by changing it: the steps of the plan that then differ, or what is told of it. A field of which
// no change shows anywhere is one that is ignored.

import { type CgroupUpdate, compileUpdate } from '../../runtime/cgroups/compile-update.ts'
import type { PlanRequest } from '../../runtime/facts/request.ts'
import type { Op, SectionName } from '../../runtime/plan/ops.ts'
import type { Plan } from '../../runtime/plan/plan.ts'
import { planFromRequest } from '../../runtime/plan-request.ts'
import { TsrunError } from '../../spec/error.ts'
import { pointerLabel, pointerValue } from '../../spec/pointer.ts'
import type { LinuxResources } from '../../spec/runtime/resources.ts'
import { validateResources } from '../../spec/validate.ts'
import type { Json } from '../unit/spec/configs.ts'
import { allPointers, withValue } from '../unit/spec/mutate.ts'
import { type Field, fieldAt, isLeaf } from './fields.ts'
import type { Setting } from './samples.ts'

/** What a change of a field shows in, as words for the table: `write-file`, `spawn`, `state`, `a warning`, `refused`. */
export type Effects = ReadonlySet<string>

/** Lines that stand for all that a compilation gives; the first word is what the line is. */
type Trace = readonly string[]

/** More memory than any limit of the samples. */
const MUCH = String(2 ** 50)

const show = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner))

function traceOfPlan({ sections, fields, spawn, warnings }: Plan): Trace {
  const ops = Object.entries(sections) as [SectionName, readonly Op[]][]
  return [
    // Not the cause: the place in a list moves when the entry before is taken away.
    ...ops.flatMap(([section, list]) =>
      list.map(({ cause: _, label: __, ...op }) => `${op.kind} ${section} ${show(op)}`),
    ),
    ...Object.entries(spawn).map(([name, value]) => `spawn ${name} ${show(value)}`),
    `state ${fields.stateOutput}`,
    ...warnings.map((text) => `warning ${text}`),
  ]
}

function compileSetting({ verb, facts, config }: Setting): Trace {
  if (verb === 'update') return traceOfUpdate(config, facts.cgroupControllers !== undefined)
  const request: PlanRequest = {
    ...{ verb, id: 'box', bundle: '/bundle', root: '/run/tsrun', options: new Map(), args: ['sh'] },
    ...{ config: JSON.stringify(config), facts },
    ...(verb === 'exec' ? { state: '{}', target: { pid: 99, cgroup: facts.cgroup } } : {}),
  }
  return traceOfPlan(planFromRequest(request))
}

function traceOfUpdate(config: Json, unified: boolean): Trace {
  const resources = (pointerValue(config, '/linux/resources') ?? {}) as LinuxResources
  const [problem] = validateResources(resources)
  if (problem !== undefined) throw new TsrunError('invalid-config', `linux.resources.${problem.message}`)
  const names = ['cpu', 'cpuset', 'memory', 'blkio', 'pids', 'hugetlb', 'net_cls', 'net_prio', 'rdma']
  const paths = unified ? { '': '/c' } : Object.fromEntries(names.map((name) => [name, `/${name}`]))
  let update: CgroupUpdate
  try {
    update = compileUpdate(resources, paths, (_, file) => (file === 'memory.current' ? MUCH : undefined))
  } catch (e: unknown) {
    // What the field is for.
    if (e instanceof TsrunError && e.message.includes('(checkBeforeUpdate)')) return ['update is refused']
    throw e
  }
  const { changes, warnings } = update
  return [...changes.map((change) => `update ${show(change)}`), ...warnings.map((text) => `warning ${text}`)]
}

/** What differs between two compilations. An error is a difference when it names the field. */
function compare(before: Trace, setting: Setting, pointer: string): readonly string[] {
  let after: Trace
  try {
    after = compileSetting(setting)
  } catch (e: unknown) {
    if (!(e instanceof TsrunError)) throw e
    return e.message.includes(pointerLabel(pointer)) ? ['refused'] : []
  }
  const [old, now] = [new Set(before), new Set(after)]
  const gone = before.filter((line) => !now.has(line))
  const come = after.filter((line) => !old.has(line))
  return [...gone, ...come].map((line) => line.slice(0, line.indexOf(' ')))
}

const TEXTS = [
  '1.9.0',
  'rwm',
  '1',
  '3',
  '/dev/other',
  '/other',
  'other',
  'A=c',
  '1MB',
  'b',
  'RLIMIT_CPU',
  'CAP_CHOWN',
  'L3:0=1',
  'MB:0=9',
]

/** Other values of a field, of which at least one should be fine. */
function otherValues(value: unknown, { names, type }: Field): readonly unknown[] {
  if (names.length > 0) return names.filter((name) => name !== value)
  if (type === 'boolean') return [value !== true]
  if (typeof value === 'number') return [value + 1, value - 1, value * 2, 0]
  return type === 'string' ? TEXTS : []
}

/** What a change of the field changes; that some values are refused does not show that the others are used. */
export function stepsOf(effects: Effects | undefined): readonly string[] {
  return [...(effects ?? [])].filter((name) => name !== 'refused')
}

/** Field -> what a change of it shows in. */
export function findEffects(settings: readonly Setting[], fields: readonly Field[]): ReadonlyMap<string, Effects> {
  const known = new Map(fields.map((field) => [field.path, field]))
  const found = new Map<string, Set<string>>()
  for (const setting of settings) {
    const before = compileSetting(setting)
    for (const pointer of allPointers(setting.config)) {
      const field = fieldAt(pointer.split('/').slice(1), known)
      // What objects and lists do is what those in them do.
      if (field === undefined || !isLeaf(field)) continue
      const effects = found.get(field.path) ?? new Set()
      // Only limits are compiled in more than one way.
      if (!field.path.startsWith('linux.resources.') && stepsOf(effects).length > 0) continue
      found.set(field.path, effects)
      const tried = (value: unknown): readonly string[] => {
        const config = withValue(setting.config, pointer, value)
        return compare(before, { ...setting, config }, pointer)
      }
      for (const effect of tried(undefined)) effects.add(effect)
      // One other value that shows is enough.
      for (const value of otherValues(pointerValue(setting.config, pointer), field)) {
        const shown = tried(value)
        for (const effect of shown) effects.add(effect)
        if (shown.some((effect) => effect !== 'refused')) break
      }
    }
  }
  return found
}
