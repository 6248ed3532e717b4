// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compileDevicePolicy } from '../../../../../runtime/cgroups/device-policy.ts'
import { deviceProperties } from '../../../../../runtime/cgroups/systemd/device-properties.ts'
import { propertiesV1 } from '../../../../../runtime/cgroups/systemd/properties-v1.ts'
import { propertiesV2 } from '../../../../../runtime/cgroups/systemd/properties-v2.ts'
import { propertyText, type UnitProperty } from '../../../../../runtime/cgroups/systemd/property.ts'
import { compileResourcesV1 } from '../../../../../runtime/cgroups/v1/resources.ts'
import { compileResourcesV2 } from '../../../../../runtime/cgroups/v2/resources.ts'
import type { LinuxDeviceCgroup } from '../../../../../spec/runtime/devices.ts'
import type { LinuxResources } from '../../../../../spec/runtime/resources.ts'

const INFINITY = '18446744073709551615'
const show = (properties: readonly UnitProperty[]): readonly string[] =>
  properties.map(propertyText).map((text) => text.replaceAll('\t', '|'))
const v2 = (resources: LinuxResources): readonly string[] => show(propertiesV2(compileResourcesV2(resources)))
const v1 = (resources: LinuxResources): readonly string[] => show(propertiesV1(compileResourcesV1(resources)))

test('v2: fields', () => {
  assert.equal(v2({ memory: { limit: 100, swap: 300, reservation: 50 }, pids: { limit: 7 } }), [
    'TasksMax=t 7',
    'MemorySwapMax=t 200',
    'MemoryMax=t 100',
    'MemoryLow=t 50',
  ])
  assert.equal(v2({ memory: { limit: -1 }, pids: { limit: -1 } }), [
    `TasksMax=t ${INFINITY}`,
    `MemorySwapMax=t ${INFINITY}`,
    `MemoryMax=t ${INFINITY}`,
  ])
  assert.equal(v2({ cpu: { shares: 1024, cpus: '0-2,8', mems: '0' } }), [
    'CPUWeight=t 100',
    'AllowedCPUs@244=ay 2|7|1',
    'AllowedMemoryNodes@244=ay 1|1',
  ])
  assert.equal(v2({ cpu: { shares: 2, idle: 1 } }), ['CPUWeight=t 1', 'CPUWeight@252=t 0'])
  assert.equal(v2({ hugepageLimits: [{ pageSize: '2MB', limit: 5 }], rdma: { mlx: { hcaHandles: 3 } } }), [])
})

test('quotas: a share of a second, rounded up to a percent', () => {
  const quota = (quota: number, period?: number) => v2({ cpu: { quota, ...(period && { period }) } })
  assert.equal(quota(25000, 100000), ['CPUQuotaPerSecUSec=t 250000', 'CPUQuotaPeriodUSec@242=t 100000'])
  assert.equal(quota(12345, 100000)[0], 'CPUQuotaPerSecUSec=t 130000')
  assert.equal(quota(1, 100000)[0], 'CPUQuotaPerSecUSec=t 10000')
  assert.equal(quota(200000)[0], 'CPUQuotaPerSecUSec=t 2000000')
  assert.equal(quota(-1, 50000), [`CPUQuotaPerSecUSec=t ${INFINITY}`, 'CPUQuotaPeriodUSec@242=t 50000'])
})

test('v2: disks', () => {
  const blockIO: LinuxResources['blockIO'] = {
    weight: 500,
    weightDevice: [{ major: 8, minor: 0, weight: 300 }],
    throttleReadBpsDevice: [
      { major: 8, minor: 0, rate: 100 },
      { major: 8, minor: 16, rate: 0 },
    ],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 9 }],
  }
  assert.equal(v2({ blockIO }), [
    'IOWeight=t 4950',
    'IODeviceWeight=a(st) 1|/dev/block/8:0|2930',
    `IOReadBandwidthMax=a(st) 2|/dev/block/8:0|100|/dev/block/8:16|${INFINITY}`,
    'IOWriteIOPSMax=a(st) 1|/dev/block/8:0|9',
  ])
})

test('v2: unified settings win over fields, and what is no property is none', () => {
  const unified = {
    'memory.max': '64M',
    'memory.high': 'max',
    'memory.min': '4096',
    'memory.zswap.max': '0',
    'memory.oom.group': '1',
    'cpu.max': '20000',
    'cpu.weight': '42',
    'cpuset.cpus': '0',
    'pids.max': '9',
    'io.weight': 'default 200\n8:0 300',
    'io.max': '8:0 rbps=1 wbps=max riops=2',
    'hugetlb.2MB.max': '0',
  }
  assert.equal(v2({ memory: { limit: 5 }, unified }), [
    'MemoryMax=t 67108864',
    `MemoryHigh=t ${INFINITY}`,
    'MemoryMin=t 4096',
    'MemoryZSwapMax@253=t 0',
    'CPUQuotaPerSecUSec=t 200000',
    'CPUQuotaPeriodUSec@242=t 100000',
    'CPUWeight=t 42',
    'AllowedCPUs@244=ay 1|1',
    'TasksMax=t 9',
    'IOWeight=t 200',
    'IODeviceWeight=a(st) 1|/dev/block/8:0|300',
    'IOReadBandwidthMax=a(st) 1|/dev/block/8:0|1',
    `IOWriteBandwidthMax=a(st) 1|/dev/block/8:0|${INFINITY}`,
    'IOReadIOPSMax=a(st) 1|/dev/block/8:0|2',
  ])
  assert.equal(v2({ unified: { 'memory.max': 'much', 'cpu.max': 'x', 'io.max': 'y', 'io.weight': 'z' } }), [])
})

test('v1: the names of v1', () => {
  const resources: LinuxResources = {
    memory: { limit: 100, swap: 200 },
    cpu: { shares: 512, quota: 25000, cpus: '0' },
    pids: { limit: 5 },
    blockIO: {
      weight: 300,
      weightDevice: [{ major: 8, minor: 0, weight: 400 }],
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 7 }],
    },
  }
  assert.equal(v1(resources), [
    'AllowedCPUs@244=ay 1|1',
    'MemoryLimit=t 100',
    'CPUShares=t 512',
    'TasksMax=t 5',
    'BlockIOWeight=t 300',
    'BlockIODeviceWeight=a(st) 1|/dev/block/8:0|400',
    'BlockIOReadBandwidth=a(st) 1|/dev/block/8:0|7',
    'CPUQuotaPerSecUSec=t 250000',
    'CPUQuotaPeriodUSec@242=t 100000',
  ])
  const onlyQuota = compileResourcesV1({ cpu: { quota: 10000 } })
  assert.equal(show(propertiesV1(onlyQuota, { period: 50000 })), [
    'CPUQuotaPerSecUSec=t 200000',
    'CPUQuotaPeriodUSec@242=t 50000',
  ])
})

test('device rules', () => {
  const devices = (...rules: readonly LinuxDeviceCgroup[]) => show(deviceProperties(compileDevicePolicy(rules)))
  const deny = { allow: false, access: 'rwm' } as const
  assert.equal(devices({ allow: true, access: 'rwm' }), ['DevicePolicy=s auto'])
  const [policy, allow = ''] = devices(
    deny,
    { allow: true, type: 'b', major: 8, minor: 1, access: 'r' },
    { allow: true, type: 'c', major: 4, access: 'rw' },
  )
  assert.is(policy, 'DevicePolicy=s strict')
  for (const part of ['/dev/block/8:1|r', 'char-4|rw', 'char-*|m', 'block-*|m', '/dev/char/1:3|rwm', 'char-136|rwm']) {
    assert.ok(`${allow}|`.includes(`|${part}|`), `${part} in ${allow}`)
  }
  // systemd has no word for it.
  assert.equal(devices(deny, { allow: true, type: 'c', minor: 1, access: 'r' }), ['DevicePolicy=s auto'])
})

test.run()
