// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import type { Linux } from '../../../../spec/runtime/linux.ts'
import type { Mount } from '../../../../spec/runtime/mounts.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { noCgroups } from './no-cgroups.ts'
import { planOf } from './requests.ts'

const tmpfs = (destination: string, ...options: readonly string[]): Mount => ({ destination, type: 'tmpfs', options })
const bind = (destination: string, source = '/srv'): Mount => ({ destination, source, options: ['bind'] })

/** What is made where the paths of the host are seen: by the front, and by init before it attaches the root. */
function made(mounts: readonly Mount[], linux: Linux = { namespaces: namespaces('mount') }, uid = 0) {
  const { prepare, late = [] } = compileMounts(
    makeContext(makeSpec({ mounts, linux }), { facts: makeFacts({ uid }) }),
    noCgroups,
  )
  const brief = (lines: readonly string[]) =>
    lines.filter((line) => !line.startsWith('setattr')).map((line) => line.split(' ').slice(0, 2).join(' '))
  return { front: brief(showOps(prepare)), init: brief(showOps(late)) }
}

test('what is listed before a bind is made before it, what comes after the last one when its turn comes', () => {
  assert.equal(made([tmpfs('/a', 'mode=700'), bind('/b'), tmpfs('/c'), bind('/d'), tmpfs('/e')]), {
    front: [],
    init: ['mount-fs tmpfs', 'open-tree /srv', 'mount-fs-over tmpfs', 'open-tree /srv'],
  })
})

test('binds that come first are opened by the front', () => {
  assert.equal(made([bind('/a'), tmpfs('/b')]), { front: ['open-tree /srv'], init: [] })
  assert.equal(made([bind('/a'), bind('/b')]).init, [])
})

test('also in a user namespace; but those of a mount namespace that is joined are opened by the front, first of all', () => {
  const mounts = [tmpfs('/a'), bind('/b')]
  const map = [{ containerID: 0, hostID: 1000, size: 1 }]
  const user = { namespaces: namespaces('mount', 'user'), uidMappings: map, gidMappings: map }
  const joined: Linux = { namespaces: [{ type: 'mount', path: '/proc/7/ns/mnt' }] }
  assert.equal(made(mounts, joined), { front: ['open-tree /srv'], init: [] })
  for (const uid of [0, 1000]) {
    assert.equal(made(mounts, user, uid), { front: [], init: ['mount-fs-over tmpfs', 'open-tree /srv'] })
  }
  assert.equal(made(mounts, { namespaces: [] }).init, ['mount-fs-over tmpfs', 'open-tree /srv'])
})

test('what depends on earlier mounts waits for them', () => {
  const { init } = made([
    tmpfs('/a', 'mode=700'),
    tmpfs('/a'),
    tmpfs('/a/b'),
    { destination: '/c', type: 'overlay', source: 'overlay', options: ['lowerdir=/bundle/rootfs/a'] },
    bind('/d', 'rootfs/a'),
    bind('/e'),
  ])
  assert.equal(init, ['mount-fs tmpfs', 'open-tree /srv'])
})

test('id mappings are made by the front', () => {
  const map = [{ containerID: 0, hostID: 1000, size: 1 }]
  const mapped = { ...bind('/b'), uidMappings: map, gidMappings: map }
  assert.equal(made([tmpfs('/a'), mapped]), {
    front: ['idmap-userns "0'],
    init: ['mount-fs-over tmpfs', 'open-tree /srv'],
  })
  assert.ok(planOf({ config: { mounts: [tmpfs('/a'), mapped] } }))
})

test('a long list does without, as each mount would need a descriptor', () => {
  const { front, init } = made([...Array.from({ length: 200 }, (_, i) => tmpfs(`/${i}`)), bind('/b')])
  assert.equal([front, init], [['open-tree /srv'], []])
})

test.run()
