// SPDX-License-Identifier: Apache-2.0
import * as assert from 'uvu/assert'
import { featuresSchema } from '../../spec/generated/document-validator.ts'
import type { Features } from '../../spec/runtime/features.ts'
import { withArgs } from '../helpers/bundle.ts'
import { mustSucceed, withContainer } from '../helpers/container.ts'
import { callRuntime, isTsrun, runtimeName } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('features')

function readFeatures(): Features {
  return JSON.parse(mustSucceed(callRuntime(['features'], { root: null })).stdout) as Features
}

test('it is a features document of the specification', () => {
  assert.is((featuresSchema as (value: unknown) => boolean)(readFeatures()), true)
})

test('hooks, namespaces and mount options that clients ask for', () => {
  const { hooks, mountOptions, linux } = readFeatures()
  assert.is(hooks?.length, 6)
  for (const option of ['rro', 'rbind', 'ro', 'nosymfollow', 'tmpcopyup']) {
    assert.ok(mountOptions?.includes(option) || (runtimeName === 'runc' && option === 'nosymfollow'), option)
  }
  for (const type of ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']) {
    assert.ok(linux?.namespaces?.includes(type), type)
  }
})

test(
  'what the specification added since 1.1',
  () => {
    const { ociVersionMax, mountOptions, linux, potentiallyUnsafeConfigAnnotations } = readFeatures()
    assert.is(ociVersionMax, '1.3.0')
    assert.ok(mountOptions?.includes('idmap') && mountOptions.includes('ridmap'))
    assert.ok(linux?.namespaces?.includes('time'))
    assert.is(linux?.mountExtensions?.idmap?.enabled, true)
    assert.is(linux?.netDevices?.enabled, true)
    assert.is(linux?.intelRdt?.enabled, true)
    assert.ok(linux?.memoryPolicy?.modes?.includes('MPOL_INTERLEAVE'))
    assert.is(linux?.cgroup?.rdma, true)
    assert.ok(linux?.seccomp?.knownFlags?.includes('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'))
    assert.ok(Array.isArray(potentiallyUnsafeConfigAnnotations))
  },
  { differsFrom: { runc: 'knows the specification up to 1.2' } },
)

test(
  'every architecture that is claimed is one that the library knows',
  async () => {
    for (const name of readFeatures().linux?.seccomp?.archs ?? []) {
      const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }]
      const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: [name], syscalls }
      await withContainer(withArgs(['true'], { linux: { seccomp } }), (container) => {
        const { status, stderr } = container.create()
        // Those of the other byte order cannot be together with the native one.
        assert.ok(status === 0 || /cannot share a filter/.test(stderr), `${name}: ${stderr}`)
      })
    }
  },
  { needs: [() => (isTsrun ? undefined : 'is a promise of tsrun')] },
)

test('the versions are those of --version', () => {
  const version = mustSucceed(callRuntime(['--version'], { root: null })).stdout
  const { annotations = {} } = readFeatures()
  const libseccomp = annotations['io.github.seccomp.libseccomp.version']
  assert.ok(libseccomp !== undefined && version.includes(libseccomp))
  if (isTsrun) {
    assert.match(version, new RegExp(`^tsrun version ${annotations['tsrun.version']}\n`))
    assert.match(version, new RegExp(`^commit: ${annotations['tsrun.commit']}$`, 'm'))
  }
})

run()
