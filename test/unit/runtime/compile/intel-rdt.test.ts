// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Op } from '../../../../runtime/plan/ops.ts'
import type { Plan } from '../../../../runtime/plan/plan.ts'
import { unified } from '../cgroups/hosts.ts'
import { planOf, refusalOf } from './requests.ts'

const test = suite('intel-rdt')
const mountinfo = `${unified.mountinfo}50 23 0:41 / /sys/fs/resctrl rw - resctrl resctrl rw\n`

function plan(intelRdt: object): Plan {
  return planOf({ linux: { intelRdt }, facts: { mountinfo } })
}

function dataOf(op: Op): string {
  if (op.kind === 'write-file') return ` ${op.data}`
  return op.kind === 'resctrl-group' ? ` ${op.schemata}` : ''
}

/** Ops about the resctrl file system, in words. */
function told({ sections }: Plan): readonly string[] {
  return [...sections.prepare, ...sections.adopt, ...sections.undo].flatMap((op) => {
    if (!('path' in op) || !op.path.startsWith('/sys/fs/resctrl')) return []
    return [`${op.kind} ${op.path.slice('/sys/fs/resctrl'.length)}${dataOf(op)}`]
  })
}

test('a group of its own is made and removed', () => {
  assert.equal(told(plan({ l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=20', schemata: ['L2:0=1'] })), [
    'make-dir /c1',
    'write-file /c1/schemata L3:0=f\nMB:0=20\nL2:0=1\n',
    'join-pid /c1/tasks',
    'remove-dir /c1',
  ])
})

test('a named group is made when it is absent, compared when it is there, and stays', () => {
  assert.equal(told(plan({ closID: 'gold', l3CacheSchema: 'L3:0=f' })), [
    'resctrl-group /gold L3:0=f\n',
    'join-pid /gold/tasks',
  ])
})

test('a named group without schemata must be there', () => {
  assert.equal(told(plan({ closID: 'gold' })), ['join-pid /gold/tasks'])
})

test('monitoring, also in the default group', () => {
  assert.equal(told(plan({ closID: '/', enableMonitoring: true })), [
    'make-dir /mon_groups/c1',
    'join-pid /tasks',
    'join-pid /mon_groups/c1/tasks',
    'remove-dir /mon_groups/c1',
  ])
})

test('is refused where no resctrl is mounted', () => {
  assert.match(
    refusalOf(() => planOf({ linux: { intelRdt: {} } })),
    /^linux\.intelRdt: no resctrl/,
  )
})

test.run()
