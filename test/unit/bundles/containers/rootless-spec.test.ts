// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rootlessSpec } from '../../../../bundles/containers/rootless-spec.ts'
import type { Spec } from '../../../../spec/runtime/config.ts'

const cgroup = { id: 'abc', parent: '' }
const many = { lastGid: 65536, systemd: false }

const spec = (linux: Spec['linux'] = {}): Spec => ({
  ociVersion: '1.0.2',
  mounts: [
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
  ],
  linux: { cgroupsPath: '/tsdock/abc', ...linux },
})

test("sysfs is the host's where the network is", () => {
  const [, host] = rootlessSpec(spec(), many, cgroup).mounts ?? []
  assert.is(host?.type, 'bind')
  const own = spec({ namespaces: [{ type: 'network' }] })
  assert.is(rootlessSpec(own, many, cgroup).mounts?.[1]?.type, 'sysfs')
})

test('groups that are not mapped are left out', () => {
  const alone = rootlessSpec(spec(), { lastGid: 0, systemd: false }, cgroup)
  assert.equal(alone.mounts?.[0]?.options, ['newinstance'])
  assert.is(alone.annotations?.['run.oci.keep_original_groups'], '1')
  const ping = { sysctl: { 'net.ipv4.ping_group_range': '0 2147483647', other: '1' } }
  assert.equal(rootlessSpec(spec(ping), many, cgroup).linux?.sysctl, {
    'net.ipv4.ping_group_range': '0 65536',
    other: '1',
  })
})

test("cgroups are those of the user's systemd, or none", () => {
  const systemd = { ...many, systemd: true }
  assert.is(rootlessSpec(spec(), many, cgroup).linux?.cgroupsPath, undefined)
  assert.is(rootlessSpec(spec(), systemd, cgroup).linux?.cgroupsPath, 'user.slice:tsdock:abc')
  const sliced = rootlessSpec(spec(), systemd, { id: 'abc', parent: 'my.slice' })
  assert.is(sliced.linux?.cgroupsPath, 'my.slice:tsdock:abc')
  assert.throws(() => rootlessSpec(spec(), systemd, { id: 'abc', parent: '/a' }), /--cgroup-parent \/a: without root/)
})

test('limits that nobody would keep are refused', () => {
  const limited = spec({ resources: { devices: [{ allow: false, access: 'rwm' }], memory: { limit: 1 << 26 } } })
  assert.throws(() => rootlessSpec(limited, many, cgroup), /^the limit memory\.limit: without root/)
  assert.is(rootlessSpec(limited, { ...many, systemd: true }, cgroup).linux?.resources?.memory?.limit, 1 << 26)
})

test.run()
