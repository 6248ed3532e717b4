// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeSpec } from '../../../../runtime/lifecycle/make-spec.ts'
import { validateConfig, warnConfig } from '../../../../spec/validate.ts'

const test = suite('make-spec')
const rootless = { uid: 1000, gid: 1001 }

for (const unified of [true, false]) {
  for (const owner of [undefined, rootless]) {
    test(`valid and without warnings: unified ${unified}, ${owner === undefined ? 'root' : 'rootless'}`, () => {
      const spec: unknown = JSON.parse(JSON.stringify(makeSpec({ unified, rootless: owner })))
      assert.equal(validateConfig(spec), [])
      assert.equal(warnConfig(spec), [])
    })
  }
}

test('no inheritable and no ambient capabilities (CVE-2022-27650)', () => {
  const { capabilities } = makeSpec({ unified: false }).process ?? {}
  assert.equal(Object.keys(capabilities ?? {}), ['bounding', 'effective', 'permitted'])
})

test('rootless: ids are mapped, and nothing needs root', () => {
  const { linux, mounts } = makeSpec({ unified: true, rootless })
  assert.equal(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }])
  assert.equal(linux?.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }])
  assert.equal(
    linux?.namespaces?.map(({ type }) => type),
    ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'],
  )
  assert.is(linux?.resources, undefined)
  assert.not.ok(
    mounts?.some(({ type, options }) => type === 'sysfs' || options?.some((text) => text.startsWith('gid='))),
  )
})

test.run()
