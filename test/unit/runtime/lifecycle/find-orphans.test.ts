// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeOrphans, type OrphanFacts, type StateOf } from '../../../../runtime/lifecycle/find-orphans.ts'

const states: Readonly<Record<string, StateOf>> = {
  '/run/t/live': 'alive',
  '/run/t/dead': 'ended',
  '/run/t/torn': 'broken',
}

function judge(patch: Partial<OrphanFacts> = {}): readonly string[] {
  const facts: OrphanFacts = {
    states: Object.entries(states).map(([directory, state]) => ({ directory, state, why: 'no plan' })),
    marks: [],
    mountPoints: [],
    stateOf: (directory) => states[directory] ?? 'absent',
    pidsIn: () => [7, 9],
    ...patch,
  }
  return judgeOrphans(facts).map(({ kind, id, root, path, pids, reason }) =>
    [kind, id, root, path, pids.join(), reason].join(' | '),
  )
}

const ofStates = [
  'container | dead | /run/t | /run/t/dead |  | its process has ended',
  'state | torn | /run/t | /run/t/torn |  | no plan',
]

test('containers that have ended, and directories that tell nothing', () => {
  assert.equal(judge(), ofStates)
})

test('cgroups whose state directory is gone or tells nothing, whatever root it was in', () => {
  const marks = ['/run/t/live', '/run/t/dead', '/run/t/torn', '/other/gone'].map((owner) => ({
    owner,
    path: `/cg${owner}`,
  }))
  assert.equal(judge({ marks }), [
    ...ofStates,
    'cgroup | torn | /run/t | /cg/run/t/torn | 7,9 | its state directory does not tell of it',
    'cgroup | gone | /other | /cg/other/gone | 7,9 | its state directory is gone',
  ])
})

test('mounts below state roots alone', () => {
  const mountPoints = [
    '/',
    '/run',
    '/run/t/live/rootfs',
    '/run/t/torn/rootfs',
    '/run/t/torn/rootfs/proc',
    '/srv/x/rootfs',
  ]
  assert.equal(judge({ mountPoints }), [
    ...ofStates,
    'mount | torn | /run/t | /run/t/torn/rootfs |  | its state directory does not tell of it',
  ])
})

test.run()
