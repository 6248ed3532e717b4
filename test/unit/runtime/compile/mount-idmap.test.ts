// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import type { Linux } from '../../../../spec/runtime/linux.ts'
import type { Mount } from '../../../../spec/runtime/mounts.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { noCgroups } from './no-cgroups.ts'

const map = [{ containerID: 0, hostID: 5000, size: 1000 }]
const other = [
  { containerID: 0, hostID: 7000, size: 10 },
  { containerID: 10, hostID: 9000, size: 1 },
]

function prepare(mounts: readonly Partial<Mount>[], linux: Linux = {}, uid = 0): readonly string[] {
  const spec = makeSpec({ mounts: mounts.map((mount) => ({ destination: '/data', source: '/srv', ...mount })), linux })
  return showOps(compileMounts(makeContext(spec, { facts: makeFacts({ uid }) }), noCgroups).prepare)
}

const withUser = { namespaces: namespaces('mount', 'user'), uidMappings: other, gidMappings: map }

test("a mount's own mappings come first (config.md#posix-platform-mounts)", () => {
  assert.equal(prepare([{ options: ['bind', 'ro', 'idmap'], uidMappings: map, gidMappings: other }], withUser), [
    'open-tree /srv 0 #0',
    'idmap-userns "0 5000 1000\\n" "0 7000 10\\n10 9000 1\\n" #2',
    'idmap-tree #0 #2',
    'setattr #0 +1 -200000 slave',
  ])
})

test("without any, those of the container's new user namespace hold", () => {
  assert.equal(prepare([{ options: ['rbind', 'ridmap'] }], withUser), [
    'open-tree /srv 1 #0',
    'idmap-userns "0 7000 10\\n10 9000 1\\n" "0 5000 1000\\n" #2',
    'idmap-tree #0 recursive #2',
    'setattr #0 slave recursive',
  ])
})

test('of a joined user namespace the kernel reads them itself', () => {
  const joined = { namespaces: [...namespaces('mount'), { type: 'user', path: '/proc/7/ns/user' }] } as const
  assert.equal(prepare([{ options: ['bind', 'idmap'] }], joined).slice(1, 3), [
    `open-ns /proc/7/ns/user ${0x10000000} #2`,
    'idmap-tree #0 #2',
  ])
})

test('mappings alone ask for one, not recursive', () => {
  const lines = prepare([{ options: ['rbind'], uidMappings: map, gidMappings: map }])
  assert.is(lines[2], 'setattr #0 +100000 #2')
})

test('mounts with equal mappings share a namespace, others do not', () => {
  const one = { options: ['bind', 'idmap'], uidMappings: map, gidMappings: map }
  const lines = prepare([one, { ...one, gidMappings: other }, one])
  assert.equal(
    lines.filter((line) => /userns|#\d+ \+100000/.test(line)),
    [
      'idmap-userns "0 5000 1000\\n" "0 5000 1000\\n" #2',
      'setattr #0 +100000 #2',
      'idmap-userns "0 5000 1000\\n" "0 7000 10\\n10 9000 1\\n" #4',
      'setattr #3 +100000 #4',
      'setattr #5 +100000 #2',
    ],
  )
})

test('a user without privileges is told so', () => {
  const one = { options: ['bind', 'idmap'], uidMappings: map, gidMappings: map }
  assert.throws(() => prepare([one], {}, 1000), /mounts\[0\] \(\/data\).*privileges of root/)
})

test('a source in the root is cloned and mapped when its turn comes; only the mapping is made on the host', () => {
  const mount: Mount = {
    destination: '/bundle/rootfs/x',
    source: '/bundle/rootfs/a/./b',
    options: ['rbind', 'idmap'],
    uidMappings: map,
    gidMappings: map,
  }
  const { prepare, setup } = compileMounts(makeContext(makeSpec({ mounts: [mount] })), noCgroups)
  assert.equal(showOps(prepare), ['idmap-userns "0 5000 1000\\n" "0 5000 1000\\n" #2'])
  assert.equal(showOps(setup), [
    'open-tree-rooted /a/b 1 #0',
    'setattr #0 +100000 #2',
    'setattr #0 slave recursive',
    'ensure /x 2 #0 0755 #1',
    'move #0 #1',
  ])
})

test('a source in the root itself, in a user namespace: the front maps what init has cloned', () => {
  const mount: Mount = { destination: '/x', source: '/bundle/rootfs/a', options: ['bind', 'ridmap'] }
  const linux = { namespaces: [{ type: 'mount' }, { type: 'user' }], uidMappings: map, gidMappings: map } as const
  const { prepare, setup } = compileMounts(makeContext(makeSpec({ mounts: [mount], linux })), noCgroups)
  assert.equal(showOps(prepare), ['idmap-userns "0 5000 1000\\n" "0 5000 1000\\n" #2'])
  assert.equal(showOps(setup).slice(0, 2), ['open-tree-rooted /a 0 #0', 'idmap-tree #0 recursive #2'])
})

test.run()
