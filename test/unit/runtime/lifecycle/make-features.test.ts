// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseMountOptions } from '../../../../runtime/compile/mount-options.ts'
import { makeFeatures } from '../../../../runtime/lifecycle/make-features.ts'
import { compileSeccompPolicy } from '../../../../runtime/seccomp/policy.ts'
import type { LinuxSeccomp } from '../../../../spec/runtime/seccomp.ts'
import { featuresSchema } from '../../../../spec/generated/document-validator.ts'

const test = suite('make-features')
const features = makeFeatures({ version: '1.2.3', commit: 'abc', libseccomp: '2.5.4', libsystemd: '252' })

test('it is a features document, and every field is there', () => {
  assert.is((featuresSchema as (value: unknown) => boolean)(JSON.parse(JSON.stringify(features))), true)
  const { linux } = features
  assert.equal(Object.keys(linux ?? {}).sort(), [
    'apparmor',
    'capabilities',
    'cgroup',
    'intelRdt',
    'memoryPolicy',
    'mountExtensions',
    'namespaces',
    'netDevices',
    'seccomp',
    'selinux',
  ])
  assert.is(linux?.namespaces?.length, 8)
  assert.is(linux?.capabilities?.length, 41)
})

test('every mount option is one that is understood', () => {
  for (const option of features.mountOptions ?? []) {
    assert.equal(parseMountOptions([option]).data, [], option)
  }
  assert.ok(features.mountOptions?.includes('rro'))
  assert.equal(parseMountOptions(['nosuchoption']).data, ['nosuchoption'])
})

test('every seccomp word is one that compiles', () => {
  const { seccomp } = features.linux ?? {}
  for (const action of seccomp?.actions ?? []) {
    for (const op of seccomp?.operators ?? []) {
      const profile = {
        defaultAction: action === 'SCMP_ACT_ALLOW' ? 'SCMP_ACT_ERRNO' : 'SCMP_ACT_ALLOW',
        architectures: seccomp?.archs,
        flags: seccomp?.supportedFlags?.filter((flag) => action === 'SCMP_ACT_NOTIFY' || !flag.includes('KILLABLE')),
        listenerPath: '/run/agent',
        syscalls: [{ names: ['mkdir'], action, args: [{ index: 0, value: 1, op }] }],
      } as unknown as LinuxSeccomp
      assert.ok(compileSeccompPolicy(profile, 'x86_64').policy.length > 0, `${action} ${op}`)
    }
  }
  assert.equal(seccomp?.knownFlags, seccomp?.supportedFlags)
})

test.run()
