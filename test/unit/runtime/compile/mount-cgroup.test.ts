// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileMounts } from '../../../../runtime/compile/mounts.ts'
import type { Linux } from '../../../../spec/runtime/linux.ts'
import type { LinuxNamespaceType } from '../../../../spec/runtime/namespaces.ts'
import { makeContext, makeFacts, makeSpec, namespaces, showOps } from '../../../helpers/compile-input.ts'
import { hybrid, unified } from '../cgroups/hosts.ts'
import { cgroupsOf, noCgroups } from './no-cgroups.ts'

interface Case {
  readonly host: typeof hybrid | typeof unified
  readonly options?: readonly string[]
  readonly add?: readonly LinuxNamespaceType[]
  readonly linux?: Linux
  readonly none?: boolean
}

function compile({ host, options = ['nosuid', 'ro'], add = [], linux = {}, none = false }: Case) {
  const mounts = [{ destination: '/cg', type: 'cgroup', source: 'cgroup', options }]
  const spec = makeSpec({ mounts, linux: { namespaces: namespaces('mount', ...add), ...linux } })
  const context = makeContext(spec, { facts: makeFacts(host) })
  const { prepare, setup } = compileMounts(context, none ? noCgroups : cgroupsOf(context))
  return { prepare: showOps(prepare), setup: showOps(setup) }
}

test('v2 with a cgroup namespace: a fresh mount, with its options', () => {
  const { prepare, setup } = compile({ host: unified, add: ['cgroup'], options: ['ro', 'nsdelegate', 'slave'] })
  assert.equal(prepare, [])
  assert.equal(setup, [
    'mount-fs cgroup2 cgroup [nsdelegate] +1 #0',
    'ensure /cg 0 0755 #1',
    'setattr #0 slave',
    'move #0 #1',
  ])
})

test("v2 without: the container's own directory, with changes made before it is seen", () => {
  const { prepare, setup } = compile({ host: unified, linux: { cgroupsPath: '/pods/box' } })
  assert.equal(prepare, ['open-tree /sys/fs/cgroup/pods/box 0 #0', 'setattr #0 +3 slave'])
  assert.equal(setup, ['ensure /cg 0 0755 #1', 'move #0 #1'])
})

test('v2 without, and data that only a fresh mount takes: refused', () => {
  assert.throws(() => compile({ host: unified, options: ['nsdelegate'] }), /mounts\[0\] \(\/cg\).*nsdelegate/)
})

test('without cgroups of its own, a container sees those that it is in', () => {
  const { prepare } = compile({ host: unified, none: true })
  assert.is(prepare[0], 'open-tree /sys/fs/cgroup/user.slice/session-1.scope 0 #0')
})

test('hybrid with a cgroup namespace: each hierarchy afresh', () => {
  const { prepare, setup } = compile({ host: hybrid, add: ['cgroup'] })
  assert.equal(prepare, [])
  const fresh = setup.filter((line) => line.startsWith('mount-fs'))
  assert.is(fresh[0], 'mount-fs tmpfs cgroup [mode=755] +2 #0')
  assert.is(fresh[1], 'mount-fs cgroup cgroup [cpu cpuacct] +3 #0')
  assert.is(fresh.at(-2), 'mount-fs cgroup cgroup [name=systemd] +3 #0')
  assert.is(fresh.at(-1), 'mount-fs cgroup2 cgroup [] +3 #0')
  assert.is(fresh.length, 10)
})

test('hybrid: links for controllers that share a directory, and for no other', () => {
  const { setup } = compile({ host: hybrid })
  assert.equal(
    setup.filter((line) => line.startsWith('symlink')),
    ['symlink cpu,cpuacct /cg/cpu', 'symlink cpu,cpuacct /cg/cpuacct'],
  )
})

test('hybrid, writable: so are all parts', () => {
  const { prepare, setup } = compile({ host: hybrid, options: ['rw', 'noexec'] })
  assert.is(setup[0], 'mount-fs tmpfs cgroup [mode=755] +8 #0')
  assert.not.match(setup.join('\n'), 'open-rooted')
  for (const line of prepare.filter((one) => one.startsWith('setattr'))) assert.match(line, /\+8 -1 slave$/)
})

for (const host of [hybrid, unified]) {
  const kind = host === hybrid ? 'hybrid' : 'unified'
  test(`${kind}: in a user namespace without a cgroup namespace, read-only whatever the config says (CVE-2023-25809)`, () => {
    const maps = [{ containerID: 0, hostID: 1000, size: 10 }]
    const linux = { uidMappings: maps, gidMappings: maps }
    const alone = compile({ host, add: ['user'], linux, options: ['rw'] })
    const changes = alone.prepare.filter((line) => line.startsWith('setattr'))
    assert.ok(changes.length > 0)
    for (const line of changes) assert.match(line, /#\d+ \+1 slave$/)
    const both = compile({ host, add: ['user', 'cgroup'], linux, options: ['rw'] })
    assert.match(both.setup.join('\n'), /mount-fs cgroup2 cgroup \[\] \+0/)
  })
}

test.run()
