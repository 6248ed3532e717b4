// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { numberList, toJson } from '../../../../runtime/cgroups/stats.ts'
import { readStatsV1 } from '../../../../runtime/cgroups/v1/stats.ts'
import { readStatsV2 } from '../../../../runtime/cgroups/v2/stats.ts'
import { parseNetworkStats } from '../../../../runtime/lifecycle/container-stats.ts'

const test = suite('stats')

type Files = Readonly<Record<string, string>>
type Loose = Readonly<Record<string, unknown>>

function read(version: 1 | 2, files: Files): Loose {
  const input = { read: (_: string, file: string) => files[file], pageSizes: ['2MB'] }
  return JSON.parse(toJson(version === 1 ? readStatsV1(input) : readStatsV2(input))) as Loose
}

const cpusetZeros = {
  cpu_exclusive: 0,
  mem_hardwall: 0,
  mem_exclusive: 0,
  memory_migrate: 0,
  memory_spread_page: 0,
  memory_spread_slab: 0,
  memory_pressure: 0,
  sched_load_balance: 0,
  sched_relax_domain_level: 0,
}
const nothing = { limit: 0, failcnt: 0 }

test('without any file there are zeros, and no more keys than needed', () => {
  for (const version of [1, 2] as const) {
    assert.equal(read(version, {}), {
      cpu: { usage: { kernel: 0, user: 0 }, throttling: {} },
      cpuset: cpusetZeros,
      memory: { usage: nothing, swap: nothing, kernel: nothing, kernelTCP: nothing },
      pids: {},
      blkio: {},
      hugetlb: {},
    })
  }
})

test('v1', () => {
  const stats = read(1, {
    'cpuacct.usage': '6759993\n',
    'cpuacct.usage_percpu': '5118411 1641582 \n',
    'cpuacct.usage_all': 'cpu user system\n0 4000000 7\n1 0 8\n',
    'cpuacct.stat': 'user 3\nsystem 2\n',
    'cpu.stat': 'nr_periods 5\nnr_throttled 2\nthrottled_time 123\nnr_bursts 0\n',
    'cpuset.cpus': '0-1\n',
    'cpuset.mems': '0\n',
    'cpuset.sched_relax_domain_level': '-1\n',
    'memory.limit_in_bytes': '134217728\n',
    'memory.usage_in_bytes': '319488\n',
    'memory.failcnt': '4\n',
    'memory.memsw.max_usage_in_bytes': '9\n',
    'memory.stat': 'cache 5\nrss 0\n',
    'pids.current': '1\n',
    'pids.max': 'max\n',
    'blkio.bfq.io_serviced_recursive': 'Total 0\n',
    'blkio.throttle.io_serviced_recursive': '8:16 Read 3\n8:16 Total 3\nTotal 3\n',
    'blkio.throttle.io_service_bytes_recursive': '8:16 Read 4096\nTotal 4096\n',
    'hugetlb.2MB.usage_in_bytes': '2097152\n',
    'hugetlb.2MB.failcnt': '1\n',
  })
  assert.equal(stats, {
    cpu: {
      usage: {
        total: 6759993,
        percpu: [5118411, 1641582],
        percpu_kernel: [7, 8],
        percpu_user: [4000000, 0],
        kernel: 20000000,
        user: 30000000,
      },
      throttling: { periods: 5, throttledPeriods: 2, throttledTime: 123 },
    },
    cpuset: { cpus: [0, 1], mems: [0], ...cpusetZeros, sched_relax_domain_level: -1 },
    memory: {
      cache: 5,
      usage: { limit: 134217728, usage: 319488, failcnt: 4 },
      swap: { limit: 0, max: 9, failcnt: 0 },
      kernel: nothing,
      kernelTCP: nothing,
      raw: { cache: 5, rss: 0 },
    },
    pids: { current: 1 },
    blkio: {
      ioServiceBytesRecursive: [{ major: 8, minor: 16, op: 'Read', value: 4096 }],
      ioServicedRecursive: [
        { major: 8, minor: 16, op: 'Read', value: 3 },
        { major: 8, minor: 16, op: 'Total', value: 3 },
      ],
    },
    hugetlb: { '2MB': { usage: 2097152, failcnt: 1 } },
  })
})

test('v2', () => {
  const stats = read(2, {
    'cpu.stat': 'usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 1\nthrottled_usec 7\n',
    'cpu.pressure': 'some avg10=0.50 avg60=0.00 avg300=0.00 total=12\n',
    'cpuset.cpus.effective': '0,2-3\n',
    'memory.current': '100\n',
    'memory.max': '1000\n',
    'memory.peak': '200\n',
    'memory.events': 'low 0\nmax 6\noom_kill 1\n',
    'memory.swap.current': '11\n',
    'memory.swap.max': '500\n',
    'memory.stat': 'anon 60\nfile 40\n',
    'pids.current': '3\n',
    'pids.max': '60\n',
    'io.stat': '8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n',
    'hugetlb.2MB.current': '0\n',
    'hugetlb.2MB.max': '4096\n',
    'hugetlb.2MB.events': 'max 2\n',
  })
  const entry = (op: string, value?: number) => ({ major: 8, op, ...(value !== undefined && { value }) })
  assert.equal(stats, {
    cpu: {
      usage: { total: 30000, kernel: 10000, user: 20000 },
      throttling: { periods: 5, throttledPeriods: 1, throttledTime: 7000 },
      psi: { some: { avg10: 0.5, avg60: 0, avg300: 0, total: 12 } },
    },
    cpuset: { cpus: [0, 2, 3], ...cpusetZeros },
    memory: {
      cache: 40,
      usage: { limit: 1000, usage: 100, max: 200, failcnt: 6 },
      swap: { limit: 1500, usage: 111, failcnt: 0 },
      kernel: nothing,
      kernelTCP: nothing,
      raw: { anon: 60, file: 40 },
    },
    pids: { current: 3, limit: 60 },
    blkio: {
      ioServiceBytesRecursive: [entry('Read', 4096), entry('Write'), entry('Discard')],
      ioServicedRecursive: [entry('Read', 1), entry('Write'), entry('Discard')],
    },
    hugetlb: { '2MB': { max: 4096, failcnt: 2 } },
  })
})

test('numbers of 64 bits keep their digits', () => {
  const { memory } = readStatsV2({ read: (_, file) => (file === 'memory.max' ? 'max\n' : undefined), pageSizes: [] })
  assert.match(toJson(memory), /"usage":\{"limit":18446744073709551615,"failcnt":0\}/)
  assert.match(toJson(memory), /"swap":\{"limit":18446744073709551615,/)
  assert.is(
    toJson({ a: 2n ** 63n - 1n, b: undefined, c: [1n, 'x\n'], d: null }),
    '{"a":9223372036854775807,"c":[1,"x\\n"],"d":null}',
  )
})

test('lists of numbers', () => {
  assert.equal(numberList('0-2,7\n'), [0n, 1n, 2n, 7n])
  assert.is(numberList('\n'), undefined)
})

test('interfaces, without the loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 18446744073709551615 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0
`
  assert.equal(parseNetworkStats(text), [
    {
      Name: 'eth0',
      RxBytes: 18446744073709551615n,
      RxPackets: 2n,
      RxErrors: 3n,
      RxDropped: 4n,
      TxBytes: 5n,
      TxPackets: 6n,
      TxErrors: 7n,
      TxDropped: 8n,
    },
  ])
})

test.run()
