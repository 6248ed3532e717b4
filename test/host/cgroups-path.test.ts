// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { defaultNamespaces, withArgs } from '../helpers/bundle.ts'
import { mustSucceed, newContainer, newId, runOnce, withContainer } from '../helpers/container.ts'
import { cgroupVersion, needsCgroup1, needsController, readCgroupMounts } from '../helpers/host.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups path')

/** Removes a cgroup of the test's own in every hierarchy. Returns how many there were. */
function removeCgroup(path: string): number {
  const dirs = readCgroupMounts().map(({ dir }) => dir + path)
  const there = dirs.filter((dir) => existsSync(dir))
  for (const dir of there) rmdirSync(dir)
  return there.length
}

test('cgroupsPath: the container is where it says, in all hierarchies; what stays is the directory above, the caller named it', async () => {
  const parent = `/${newId('parent')}`
  const path = `${parent}/below`
  await withContainer(withArgs(['true'], { linux: { cgroupsPath: path } }), (container) => {
    mustSucceed(container.create())
    const text = readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8')
    for (const controller of ['memory', 'pids', 'cpu', 'devices', 'freezer']) {
      if (cgroupVersion === 1) {
        assert.match(text, new RegExp(`:([^:]*,)?${controller}(,[^:]*)?:${path}\n`))
      }
    }
    if (cgroupVersion === 2) {
      assert.match(text, new RegExp(`^0::${path}`))
    }
    mustSucceed(container.delete(['--force']))
    assert.ok(removeCgroup(parent) > 0)
  })
})

test(
  'a cpuset above that somebody left empty is filled',
  async () => {
    const parent = `/${newId('parent')}`
    const mount = readCgroupMounts().find(({ controllers }) => controllers.includes('cpuset'))
    mkdirSync(`${mount?.dir}${parent}`)
    await withContainer(withArgs(['true'], { linux: { cgroupsPath: `${parent}/below` } }), (container) => {
      mustSucceed(container.create())
      mustSucceed(container.delete(['--force']))
      assert.ok(removeCgroup(parent) > 0)
    })
  },
  { needs: [needsCgroup1, needsController('cpuset')] },
)

test(
  'a create that fails leaves no directory above cgroupsPath either',
  () => {
    const parent = `/${newId('parent')}`
    const linux = { cgroupsPath: `${parent}/deep/er` }
    const container = newContainer(withArgs(['true'], { linux, root: { path: '/no/such/rootfs' } }))
    assertFailure(container.create())
    assert.is(removeCgroup(parent), 0)
  },
  { differsFrom: { 'runc<1.3': 'leaves them', crun: 'leaves them' } },
)

test('a container without resources and with a cgroup namespace', async () => {
  const namespaces = [...defaultNamespaces, { type: 'cgroup' }]
  mustSucceed(await runOnce(withArgs(['true'], { linux: { resources: undefined, namespaces } })))
})

test('without cgroupsPath the container has a cgroup of its own', async () => {
  await withContainer(withArgs(['true'], { linux: { cgroupsPath: undefined } }), (container) => {
    mustSucceed(container.create())
    assert.match(readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8'), new RegExp(`/${container.id}$`, 'm'))
  })
})

run()
