// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileFinal } from '../../../../runtime/compile/final.ts'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import { compileRootfs, placeOpens } from '../../../../runtime/compile/rootfs.ts'
import { TsrunError } from '../../../../spec/error.ts'
import type { Linux, RootfsPropagation } from '../../../../spec/runtime/linux.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { noCgroups } from './no-cgroups.ts'

test('the root is a directory of the bundle, with its mounts, and no symbolic link (config.md#root)', () => {
  const { prepare, setup } = compileRootfs(makeContext())
  assert.equal(showOps(prepare), ['open-tree /bundle/rootfs 7 #0'])
  assert.is(prepare[0]?.label, 'root.path (rootfs)')
  assert.equal(showOps(setup), ['attach-root #0 slave /bundle/rootfs'])
})

for (const [path, opened] of [
  ['/srv/tree', '/srv/tree'],
  ['/srv/tree//', '/srv/tree'],
  ['./tree/', '/bundle/./tree'],
  ['/', '/'],
] as const) {
  test(`root.path ${path} is opened as ${opened}`, () => {
    const { prepare } = compileRootfs(makeContext(makeSpec({ root: { path } })))
    assert.equal(showOps(prepare), [`open-tree ${opened} 7 #0`])
  })
}

const propagations: readonly (readonly [RootfsPropagation, building: string, finished: string | undefined])[] = [
  ['', 'slave', undefined],
  ['slave', 'slave', undefined],
  ['rslave', 'slave', undefined],
  ['private', 'private', undefined],
  ['rprivate', 'private', undefined],
  ['shared', 'private', 'root-attr shared'],
  ['rshared', 'private', 'root-attr rshared'],
  ['unbindable', 'private', 'root-attr unbindable'],
  ['runbindable', 'private', 'root-attr runbindable'],
]
for (const [rootfsPropagation, building, finished] of propagations) {
  test(`rootfsPropagation "${rootfsPropagation}": ${building}, then ${finished} (config-linux.md#rootfs-mount-propagation)`, () => {
    const context = makeContext(makeSpec({ linux: { rootfsPropagation } }))
    assert.equal(showOps(compileRootfs(context).setup), [`attach-root #0 ${building} /bundle/rootfs`])
    assert.equal(showOps(compileFinal(context).setup), ['pivot 0', ...(finished === undefined ? [] : [finished])])
  })
}

for (const word of ['sideways', 'r', 'rr', 'rconstructor', 'constructor']) {
  test(`rootfsPropagation "${word}" is refused by name`, () => {
    const context = makeContext(makeSpec({ linux: { rootfsPropagation: word as RootfsPropagation } }))
    assert.throws(
      () => compileRootfs(context),
      (error: unknown) =>
        error instanceof TsrunError && error.pointer === '/linux/rootfsPropagation' && error.message.includes(word),
    )
  })
}

test('a user opens in init what root opens in the front', () => {
  const spec = makeSpec({ mounts: [{ destination: '/data', source: '/srv', options: ['bind'] }] })
  for (const [uid, where] of [
    [0, 'front'],
    [1000, 'init'],
  ] as const) {
    const context = makeContext(spec, { facts: makeFacts({ uid }) })
    const placed = placeOpens(context, [compileRootfs(context), compileMounts(context, noCgroups)])
    const opens = ['open-tree /bundle/rootfs 7 #0', 'open-tree /srv 0 #1', 'setattr #1 slave']
    assert.equal(showOps(placed[where]), opens)
    assert.is(placed.front.length + placed.init.length, opens.length)
  }
})

test('in a user namespace that root makes the front looks up what init clones', () => {
  const map = [{ containerID: 0, hostID: 5000, size: 1000 }]
  const linux = { namespaces: namespaces('mount', 'user'), uidMappings: map, gidMappings: map }
  const mounts = [{ destination: '/data', source: '/srv', options: ['rbind', 'idmap'] }]
  const context = makeContext(makeSpec({ mounts, linux }))
  const { front, init } = placeOpens(context, [compileRootfs(context), compileMounts(context, noCgroups)])
  const userns = 'idmap-userns "0 5000 1000\\n" "0 5000 1000\\n" #3'
  assert.equal(showOps(front), [userns])
  assert.equal(showOps(init), [
    'open-tree /bundle/rootfs 15 #0',
    'open-tree /srv 9 #1',
    'idmap-tree #1 #3',
    'setattr #1 slave recursive',
  ])
})

test('what a mount namespace that is joined may not have is cloned on the host', () => {
  const map = [{ containerID: 0, hostID: 5000, size: 1000 }]
  const joined: Linux = {
    namespaces: [{ type: 'mount', path: '/proc/7/ns/mnt' }, { type: 'user' }],
    uidMappings: map,
    gidMappings: map,
  }
  const context = makeContext(makeSpec({ linux: joined }))
  assert.equal(showOps(placeOpens(context, [compileRootfs(context)]).front), ['open-tree /bundle/rootfs 7 #0'])
})

test.run()
