// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkPlan } from '../../../../runtime/plan/check.ts'
import type { FdSlot, Op, SectionName } from '../../../../runtime/plan/ops.ts'
import { refusalOf } from '../compile/requests.ts'
import { makePlan } from '../state/plans.ts'

const test = suite('check')
const from = { cause: 'runtime', label: 'x' }
const slot = (number: number): FdSlot => number as FdSlot
const open = (number: number): Op => ({ kind: 'open', path: '/x', flags: 0, slot: slot(number), ...from })
const join = (number: number): Op => ({ kind: 'join-cgroup', slot: slot(number), ...from })

function check(sections: Partial<Record<SectionName, readonly Op[]>>): string {
  return refusalOf(() => checkPlan(makePlan({}, sections)))
}

test('a plan whose parts fit', () => {
  assert.is(check({ prepare: [open(0)], setup: [join(0), join(0)] }), 'no refusal')
})

test('an op in a section of the other side', () => {
  assert.match(check({ prepare: [open(0), join(0)] }), /op prepare\[1\] join-cgroup cannot run there/)
  assert.match(check({ setup: [{ kind: 'remove-dir', path: '/x', ...from }] }), /cannot run there/)
})

test('slots that are empty, used up, or out of range', () => {
  assert.match(check({ setup: [join(1)] }), /uses slot 1, which is empty/)
  assert.match(check({ prepare: [open(9)] }), /uses slot 9 of 4/)
  const attach: Op = { kind: 'attach-root', slot: slot(0), propagation: 0, path: '/root', ...from }
  assert.is(check({ prepare: [open(0)], setup: [attach] }), 'no refusal')
  assert.match(check({ prepare: [open(0)], setup: [attach, attach] }), /which is empty/)
})

test('what init opens is not there for the front', () => {
  const ensure: Op = { kind: 'ensure', path: '/x', type: 0, like: null, mode: 0, target: slot(0), ...from }
  const setattr: Op = {
    ...{ kind: 'setattr', slot: slot(0), set: 0n, clear: 0n, propagation: 0, recursive: 0, userns: null },
    ...from,
  }
  assert.is(check({ setup: [ensure, setattr] }), 'no refusal')
  assert.match(check({ setup: [ensure], commit: [setattr] }), /which is empty/)
})

test('stored sections use the slots alone that they fill themselves', () => {
  const setattr: Op = {
    ...{ kind: 'setattr', slot: slot(0), set: 0n, clear: 0n, propagation: 0, recursive: 0, userns: null },
    ...from,
  }
  assert.is(check({ undo: [open(0), setattr] }), 'no refusal')
  assert.match(check({ prepare: [open(0)], undo: [setattr] }), /which is empty/)
  assert.match(check({ poststart: [open(0)], undo: [setattr] }), /which is empty/)
})

test('arguments of the wrong form', () => {
  const umask = (mask: number): Op => ({ kind: 'umask', mask, ...from })
  assert.is(check({ drop: [umask(0xffffffff)] }), 'no refusal')
  for (const mask of [2 ** 32, 1.5, Number.NaN, -(2 ** 40)])
    assert.match(check({ drop: [umask(mask)] }), /has the mask/)
  assert.match(check({ drop: [{ kind: 'cap-bound', mask: -1n, ...from }] }), /has the mask/)
  assert.match(check({ setup: [{ kind: 'refuse-symlink', path: 'relative', ...from }] }), /has the path/)
})

test('an op that does not say where it comes from', () => {
  assert.match(check({ drop: [{ kind: 'session', cause: 'runtime', label: '' }] }), /where it comes from/)
})

test('namespaces and cgroups that are joined are opened before', () => {
  const plan = makePlan()
  const joins = [{ slot: slot(0), type: 0x40000000 }]
  assert.match(
    refusalOf(() => checkPlan({ ...plan, spawn: { ...plan.spawn, joins } })),
    /slot 0 is joined/,
  )
  assert.match(
    refusalOf(() => checkPlan({ ...plan, spawn: { ...plan.spawn, cgroupSlot: slot(1) } })),
    /cgroup slot 1/,
  )
})

test.run()
