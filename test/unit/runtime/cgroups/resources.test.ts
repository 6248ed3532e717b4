// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CgroupWrite } from '../../../../runtime/cgroups/cgroup-write.ts'
import { compileResourcesV1 } from '../../../../runtime/cgroups/v1/resources.ts'
import { sharesToWeight } from '../../../../runtime/cgroups/v2/cpu.ts'
import { blkioToIoWeight } from '../../../../runtime/cgroups/v2/io.ts'
import { compileResourcesV2 } from '../../../../runtime/cgroups/v2/resources.ts'
import type { LinuxResources } from '../../../../spec/runtime/resources.ts'

/** file, value, field below linux.resources, and '?' when the file may be absent. */
type Line = readonly [file: string, value: string, field: string, absent?: '?']
type Row = readonly [resources: LinuxResources, lines: readonly Line[]]

const MB = 1 << 20

function linesOf(writes: readonly CgroupWrite[]): Line[] {
  return writes.map(({ file, value, pointer, tolerate }) => {
    assert.ok(pointer.startsWith('/linux/resources/'), pointer)
    const field = pointer.slice('/linux/resources/'.length)
    if (tolerate === undefined) return [file, value, field]
    assert.equal(tolerate, ['ENOENT'])
    return [file, value, field, '?']
  })
}

const v1: Record<string, readonly Row[]> = {
  'memory (config-linux.md#memory)': [
    [{ memory: {} }, []],
    [{ memory: { limit: 0, swap: 0, reservation: 0, disableOOMKiller: false } }, []],
    [{ memory: { limit: 512 * 1024 } }, [['memory.limit_in_bytes', '524288', 'memory/limit']]],
    [{ memory: { limit: 2 ** 63 } }, [['memory.limit_in_bytes', '9223372036854775807', 'memory/limit']]],
    [
      { memory: { limit: 4 * MB, swap: 8 * MB } },
      [
        ['memory.memsw.limit_in_bytes', '-1', 'memory/swap'],
        ['memory.limit_in_bytes', '4194304', 'memory/limit'],
        ['memory.memsw.limit_in_bytes', '8388608', 'memory/swap'],
      ],
    ],
    [
      { memory: { limit: 4 * MB, swap: -1 } },
      [
        ['memory.memsw.limit_in_bytes', '-1', 'memory/swap'],
        ['memory.limit_in_bytes', '4194304', 'memory/limit'],
      ],
    ],
    [
      { memory: { limit: -1 } },
      [
        ['memory.memsw.limit_in_bytes', '-1', 'memory/limit', '?'],
        ['memory.limit_in_bytes', '-1', 'memory/limit'],
      ],
    ],
    [{ memory: { swap: 8 * MB } }, [['memory.memsw.limit_in_bytes', '8388608', 'memory/swap']]],
    [
      { memory: { reservation: MB, disableOOMKiller: true, swappiness: 0 } },
      [
        ['memory.soft_limit_in_bytes', '1048576', 'memory/reservation'],
        ['memory.oom_control', '1', 'memory/disableOOMKiller'],
        ['memory.swappiness', '0', 'memory/swappiness'],
      ],
    ],
    [{ memory: { swappiness: 2 ** 64 } }, []],
    [{ memory: { kernel: MB, kernelTCP: 0, useHierarchy: true, checkBeforeUpdate: true } }, []],
    [{ memory: { kernelTCP: MB } }, [['memory.kmem.tcp.limit_in_bytes', '1048576', 'memory/kernelTCP']]],
    [{ memory: { kernelTCP: -1 } }, [['memory.kmem.tcp.limit_in_bytes', '-1', 'memory/kernelTCP']]],
  ],
  'cpu (config-linux.md#cpu)': [
    [{ cpu: { shares: 0, quota: 0, period: 0, cpus: '', mems: '' } }, []],
    [
      { cpu: { shares: 512, quota: 50000, period: 100000, burst: 0, idle: 0 } },
      [
        ['cpu.shares', '512', 'cpu/shares'],
        ['cpu.cfs_period_us', '100000', 'cpu/period'],
        ['cpu.cfs_quota_us', '50000', 'cpu/quota'],
        ['cpu.cfs_burst_us', '0', 'cpu/burst'],
        ['cpu.idle', '0', 'cpu/idle'],
      ],
    ],
    [{ cpu: { quota: -1 } }, [['cpu.cfs_quota_us', '-1', 'cpu/quota']]],
    [
      { cpu: { realtimeRuntime: 950000, realtimePeriod: 1000000 } },
      [
        ['cpu.rt_period_us', '1000000', 'cpu/realtimePeriod'],
        ['cpu.rt_runtime_us', '950000', 'cpu/realtimeRuntime'],
      ],
    ],
    [
      { cpu: { cpus: '0-1', mems: '0' } },
      [
        ['cpuset.cpus', '0-1', 'cpu/cpus'],
        ['cpuset.mems', '0', 'cpu/mems'],
      ],
    ],
  ],
  'pids (config-linux.md#pids)': [
    [{ pids: {} }, []],
    [{ pids: { limit: 42 } }, [['pids.max', '42', 'pids/limit']]],
    [{ pids: { limit: 0 } }, [['pids.max', '1', 'pids/limit']]],
    [{ pids: { limit: -1 } }, [['pids.max', 'max', 'pids/limit']]],
  ],
  'blockIO (config-linux.md#block-io)': [
    [{ blockIO: { weight: 0, leafWeight: 0, weightDevice: [{ major: 8, minor: 0 }] } }, []],
    [
      {
        blockIO: {
          weight: 300,
          leafWeight: 20,
          weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 300 }],
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 1, rate: 601 }],
          throttleReadIOPSDevice: [{ major: 8, minor: 2, rate: 602 }],
          throttleWriteIOPSDevice: [
            { major: 8, minor: 3, rate: 0 },
            { major: 8, minor: 16, rate: 2 ** 64 },
          ],
        },
      },
      [
        ['blkio.bfq.weight', '300', 'blockIO/weight'],
        ['blkio.leaf_weight', '20', 'blockIO/leafWeight'],
        ['blkio.bfq.weight_device', '8:0 500', 'blockIO/weightDevice/0/weight'],
        ['blkio.leaf_weight_device', '8:0 300', 'blockIO/weightDevice/0/leafWeight'],
        ['blkio.throttle.read_bps_device', '8:0 600', 'blockIO/throttleReadBpsDevice/0'],
        ['blkio.throttle.write_bps_device', '8:1 601', 'blockIO/throttleWriteBpsDevice/0'],
        ['blkio.throttle.read_iops_device', '8:2 602', 'blockIO/throttleReadIOPSDevice/0'],
        ['blkio.throttle.write_iops_device', '8:3 0', 'blockIO/throttleWriteIOPSDevice/0'],
        ['blkio.throttle.write_iops_device', '8:16 18446744073709551615', 'blockIO/throttleWriteIOPSDevice/1'],
      ],
    ],
  ],
  'hugepageLimits (config-linux.md#huge-page-limits)': [
    [{ hugepageLimits: [] }, []],
    [
      { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] },
      [
        ['hugetlb.2MB.limit_in_bytes', '0', 'hugepageLimits/0/limit'],
        ['hugetlb.2MB.rsvd.limit_in_bytes', '0', 'hugepageLimits/0/limit', '?'],
      ],
    ],
  ],
  'network (config-linux.md#network)': [
    [{ network: { classID: 0, priorities: [] } }, []],
    [
      { network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] } },
      [
        ['net_cls.classid', '1048577', 'network/classID'],
        ['net_prio.ifpriomap', 'eth0 500', 'network/priorities/0'],
      ],
    ],
  ],
  'rdma (config-linux.md#rdma)': [
    [{ rdma: { mlx5_0: {} } }, []],
    [
      { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 0 }, mlx4_0: { hcaObjects: 1000 } } },
      [
        ['rdma.max', 'mlx5_1 hca_handle=3 hca_object=0', 'rdma/mlx5_1'],
        ['rdma.max', 'mlx4_0 hca_object=1000', 'rdma/mlx4_0'],
      ],
    ],
  ],
  'unified (config-linux.md#unified)': [[{ unified: {} }, []]],
}

const v2: Record<string, readonly Row[]> = {
  'memory (config-linux.md#memory)': [
    [{ memory: { limit: 0, swap: 0, disableOOMKiller: false } }, []],
    [
      { memory: { limit: 4 * MB, swap: 6 * MB, reservation: MB } },
      [
        ['memory.swap.max', '2097152', 'memory/swap'],
        ['memory.max', '4194304', 'memory/limit'],
        ['memory.low', '1048576', 'memory/reservation'],
      ],
    ],
    [
      { memory: { limit: MB, swap: MB } },
      [
        ['memory.swap.max', '0', 'memory/swap', '?'],
        ['memory.max', '1048576', 'memory/limit'],
      ],
    ],
    [
      { memory: { limit: -1 } },
      [
        ['memory.swap.max', 'max', 'memory/limit', '?'],
        ['memory.max', 'max', 'memory/limit'],
      ],
    ],
    [
      { memory: { limit: MB, swap: -1, reservation: -1 } },
      [
        ['memory.swap.max', 'max', 'memory/swap', '?'],
        ['memory.max', '1048576', 'memory/limit'],
        ['memory.low', 'max', 'memory/reservation'],
      ],
    ],
    [
      { memory: { limit: -1, swap: MB } },
      [
        ['memory.swap.max', '1048576', 'memory/swap'],
        ['memory.max', 'max', 'memory/limit'],
      ],
    ],
  ],
  'cpu (config-linux.md#cpu)': [
    [
      { cpu: { shares: 1024, quota: 50000, period: 200000, burst: 1000, idle: 1 } },
      [
        ['cpu.weight', '100', 'cpu/shares'],
        ['cpu.max', '50000 200000', 'cpu/quota'],
        ['cpu.max.burst', '1000', 'cpu/burst'],
        ['cpu.idle', '1', 'cpu/idle'],
      ],
    ],
    [{ cpu: { quota: -1 } }, [['cpu.max', 'max 100000', 'cpu/quota']]],
    [{ cpu: { period: 5000 } }, [['cpu.max', 'max 5000', 'cpu/period']]],
    [
      { cpu: { cpus: '2,4-5', mems: '0-1' } },
      [
        ['cpuset.cpus', '2,4-5', 'cpu/cpus'],
        ['cpuset.mems', '0-1', 'cpu/mems'],
      ],
    ],
  ],
  'pids (config-linux.md#pids)': [
    [{ pids: { limit: 42 } }, [['pids.max', '42', 'pids/limit']]],
    [{ pids: { limit: 0 } }, [['pids.max', '1', 'pids/limit']]],
    [{ pids: { limit: -5 } }, [['pids.max', 'max', 'pids/limit']]],
  ],
  'blockIO (config-linux.md#block-io)': [
    [
      {
        blockIO: {
          weight: 500,
          weightDevice: [{ major: 8, minor: 0, weight: 600 }],
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
          throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
          throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 4 }],
        },
      },
      [
        ['io.bfq.weight', '500', 'blockIO/weight', '?'],
        ['io.weight', '4950', 'blockIO/weight'],
        ['io.bfq.weight', '8:0 600', 'blockIO/weightDevice/0/weight'],
        ['io.max', '8:0 rbps=1', 'blockIO/throttleReadBpsDevice/0'],
        ['io.max', '8:0 wbps=2', 'blockIO/throttleWriteBpsDevice/0'],
        ['io.max', '8:0 riops=3', 'blockIO/throttleReadIOPSDevice/0'],
        ['io.max', '8:0 wiops=4', 'blockIO/throttleWriteIOPSDevice/0'],
      ],
    ],
  ],
  'hugepageLimits (config-linux.md#huge-page-limits)': [
    [
      { hugepageLimits: [{ pageSize: '1GB', limit: 1073741824 }] },
      [
        ['hugetlb.1GB.max', '1073741824', 'hugepageLimits/0/limit'],
        ['hugetlb.1GB.rsvd.max', '1073741824', 'hugepageLimits/0/limit', '?'],
      ],
    ],
  ],
  'network (config-linux.md#network)': [[{ network: { classID: 0, priorities: [] } }, []]],
  'rdma (config-linux.md#rdma)': [
    [{ rdma: { mlx5_1: { hcaHandles: 3 } } }, [['rdma.max', 'mlx5_1 hca_handle=3', 'rdma/mlx5_1']]],
  ],
  'unified (config-linux.md#unified)': [
    [
      {
        pids: { limit: 9 },
        unified: { 'pids.max': '10', 'memory.high': '1M', 'io.max': '8:0 rbps=1\n8:16 rbps=2\n' },
      },
      [
        ['pids.max', '9', 'pids/limit'],
        ['pids.max', '10', 'unified/pids.max'],
        ['memory.high', '1M', 'unified/memory.high'],
        ['io.max', '8:0 rbps=1', 'unified/io.max'],
        ['io.max', '8:16 rbps=2', 'unified/io.max'],
      ],
    ],
    [{ unified: { 'new.setting': '' } }, [['new.setting', '', 'unified/new.setting']]],
  ],
}

for (const [name, rows] of Object.entries(v1)) {
  test(`v1 writes ${name}`, () => {
    for (const [resources, lines] of rows) {
      assert.equal(linesOf(compileResourcesV1(resources)), lines, JSON.stringify(resources))
    }
  })
}

for (const [name, rows] of Object.entries(v2)) {
  test(`v2 writes ${name}`, () => {
    for (const [resources, lines] of rows) {
      assert.equal(linesOf(compileResourcesV2(resources)), lines, JSON.stringify(resources))
    }
  })
}

test('has the weights that other runtimes compute', () => {
  const shares = {
    1: 1,
    2: 1,
    3: 2,
    256: 35,
    512: 59,
    1024: 100,
    2048: 174,
    262143: 10000,
    262145: 10000,
  }
  for (const [value, weight] of Object.entries(shares)) {
    assert.is(sharesToWeight(Number(value)), weight, value)
  }
  const io = { 10: 1, 100: 910, 500: 4950, 1000: 10000 }
  for (const [value, weight] of Object.entries(io)) {
    assert.is(blkioToIoWeight(Number(value)), weight, value)
  }
})

test('refuses what cannot be applied, by name', () => {
  const cases: [1 | 2, LinuxResources, RegExp][] = [
    [
      1,
      { unified: { 'memory.high': '1' } },
      /^linux\.resources\.unified: invalid configuration: this host uses cgroup v1/,
    ],
    [1, { memory: { swappiness: 101 } }, /^linux\.resources\.memory\.swappiness: 101 is not/],
    [1, { hugepageLimits: [{ pageSize: '../2MB', limit: 1 }] }, /hugepageLimits\[0\]\.pageSize/],
    [2, { hugepageLimits: [{ pageSize: '2mb', limit: 1 }] }, /hugepageLimits\[0\]\.pageSize/],
    [2, { memory: { swap: MB } }, /^linux\.resources\.memory\.swap: needs/],
    [2, { memory: { swap: MB, limit: 2 * MB } }, /^linux\.resources\.memory\.swap: 1048576 is/],
    [2, { memory: { swappiness: 10 } }, /^linux\.resources\.memory\.swappiness: .*cgroup v2/],
    [2, { memory: { disableOOMKiller: true } }, /^linux\.resources\.memory\.disableOOMKiller: /],
    [2, { cpu: { realtimeRuntime: 1 } }, /^linux\.resources\.cpu\.realtimeRuntime: /],
    [2, { cpu: { realtimePeriod: 1 } }, /^linux\.resources\.cpu\.realtimePeriod: /],
    [2, { blockIO: { leafWeight: 10 } }, /^linux\.resources\.blockIO\.leafWeight: /],
    [2, { network: { classID: 1 } }, /^linux\.resources\.network\.classID: /],
    [2, { network: { priorities: [{ name: 'a', priority: 1 }] } }, /network\.priorities: /],
    [2, { unified: { '../x.y': '1' } }, /unified\["\.\.\/x\.y"\]: must be a file name/],
    [2, { unified: { memory: '1' } }, /unified\.memory: must have the form CONTROLLER\.SETTING/],
  ]
  for (const [version, resources, message] of cases) {
    const compile = version === 1 ? compileResourcesV1 : compileResourcesV2
    assert.throws(
      () => compile(resources),
      (error: Error) => message.test(error.message),
    )
  }
})

test.run()
