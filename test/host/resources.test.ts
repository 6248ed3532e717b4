// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { defaultNamespaces, type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer, newId, runOnce, withContainer } from '../helpers/container.ts'
import {
  cgroupVersion,
  type Need,
  needsCgroup1,
  needsCgroup2,
  needsController,
  needsFilesystem,
  readCgroupDir,
  readCgroupMounts,
} from '../helpers/host.ts'
import { type Attempt, parseAttempts } from '../helpers/report.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('resources')

/** Value of a cgroup file of a created container, trimmed. */
function cgroupFile(container: Container, controller: string, file: string): string {
  const dir = readCgroupDir(container.pid(), cgroupVersion === 1 ? controller : '') ?? ''
  return readFileSync(join(dir, file), 'utf8').trim()
}

/** Creates a container with these limits and compares files of one controller. */
async function expectFiles(
  resources: Json,
  controller: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await withContainer(withArgs(['true'], { linux: { resources } }), (container) => {
    mustSucceed(container.create())
    for (const [file, value] of Object.entries(files)) {
      assert.is(cgroupFile(container, controller, file), value, file)
    }
  })
}

/** Needs a file in the root of a v1 hierarchy (not all kernels have every file). */
function needsCgroupFile(controller: string, file: string): Need {
  return () => {
    const mount = readCgroupMounts().find((candidate) => candidate.controllers.includes(controller))
    return mount !== undefined && existsSync(join(mount.dir, file)) ? undefined : `this kernel has no ${file}`
  }
}

async function attempts(words: string, resources: Json, patch: Json = {}): Promise<readonly Attempt[]> {
  const config = withArgs(['probe', ...words.split(' ')], { ...patch, linux: { resources } })
  return parseAttempts(mustSucceed(await runOnce(config)).stdout)
}

const mebibyte = 1024 * 1024

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

test(
  'memory.limit and memory.reservation, v1',
  () =>
    expectFiles({ memory: { limit: 64 * mebibyte, reservation: 32 * mebibyte } }, 'memory', {
      'memory.limit_in_bytes': `${64 * mebibyte}`,
      'memory.soft_limit_in_bytes': `${32 * mebibyte}`,
    }),
  { needs: [needsCgroup1, needsController('memory')] },
)

test(
  'memory.swap, v1',
  () =>
    expectFiles({ memory: { limit: 64 * mebibyte, swap: 96 * mebibyte } }, 'memory', {
      'memory.limit_in_bytes': `${64 * mebibyte}`,
      'memory.memsw.limit_in_bytes': `${96 * mebibyte}`,
    }),
  { needs: [needsCgroup1, needsCgroupFile('memory', 'memory.memsw.limit_in_bytes')] },
)

test(
  'memory.swappiness and disableOOMKiller, v1',
  () => expectFiles({ memory: { swappiness: 10 } }, 'memory', { 'memory.swappiness': '10' }),
  { needs: [needsCgroup1, needsCgroupFile('memory', 'memory.swappiness')] },
)

test(
  'memory.limit and reservation, v2',
  () =>
    expectFiles({ memory: { limit: 64 * mebibyte, reservation: 32 * mebibyte, swap: 64 * mebibyte } }, 'memory', {
      'memory.max': `${64 * mebibyte}`,
      'memory.low': `${32 * mebibyte}`,
      'memory.swap.max': '0',
    }),
  { needs: [needsCgroup2, needsController('memory')] },
)

test(
  'memory.limit holds: the process is killed',
  async () => {
    const config = withArgs(['probe', 'memory', '200'], {
      linux: { resources: { memory: { limit: 20 * mebibyte, swap: 20 * mebibyte } } },
    })
    assert.is((await runOnce(config)).status, 137)
  },
  { needs: [needsController('memory')] },
)

test('pids.limit', () => expectFiles({ pids: { limit: 17 } }, 'pids', { 'pids.max': '17' }), {
  needs: [needsController('pids')],
})

test('pids.limit -1 is no limit', () => expectFiles({ pids: { limit: -1 } }, 'pids', { 'pids.max': 'max' }), {
  needs: [needsController('pids')],
})

test(
  'pids.limit holds',
  async () => {
    const [seen] = await attempts('forks 50', { pids: { limit: 10 } })
    assert.is(seen?.ret, 9)
  },
  { needs: [needsController('pids')] },
)

test(
  'cpu.shares, quota and period, v1',
  () =>
    expectFiles({ cpu: { shares: 512, quota: 20000, period: 50000 } }, 'cpu', {
      'cpu.shares': '512',
      'cpu.cfs_quota_us': '20000',
      'cpu.cfs_period_us': '50000',
    }),
  { needs: [needsCgroup1, needsController('cpu')] },
)

test(
  'cpu.quota and period, v2',
  () => expectFiles({ cpu: { quota: 20000, period: 50000 } }, 'cpu', { 'cpu.max': '20000 50000' }),
  { needs: [needsCgroup2, needsController('cpu')] },
)

test(
  'cpu.shares 1024, v2: the weight is in range',
  async () => {
    await withContainer(withArgs(['true'], { linux: { resources: { cpu: { shares: 1024 } } } }), (container) => {
      mustSucceed(container.create())
      const weight = Number(cgroupFile(container, 'cpu', 'cpu.weight'))
      assert.ok(weight === 100 || weight === 39, `${weight}`) // quadratic and linear conversion
    })
  },
  { needs: [needsCgroup2, needsController('cpu')] },
)

test(
  'cpu.quota holds',
  async () => {
    const [seen] = await attempts('burn 300', { cpu: { quota: 10000, period: 100000 } })
    assert.ok((seen?.ret ?? 300) < 120, `${seen?.ret} ms of CPU in 300 ms`)
  },
  { needs: [needsController('cpu')] },
)

test(
  'cpu.burst and cpu.idle, v1',
  () => expectFiles({ cpu: { quota: 20000, period: 50000, burst: 10000 } }, 'cpu', { 'cpu.cfs_burst_us': '10000' }),
  { needs: [needsCgroup1, needsCgroupFile('cpu', 'cpu.cfs_burst_us')], differsFrom: { 'runc<1.3': 'has no burst' } },
)

test('cpu.idle, v1', () => expectFiles({ cpu: { idle: 1 } }, 'cpu', { 'cpu.idle': '1' }), {
  needs: [needsCgroup1, needsCgroupFile('cpu', 'cpu.idle')],
  differsFrom: { 'runc<1.3': 'has no idle' },
})

test(
  'cpu.cpus and cpu.mems',
  () => expectFiles({ cpu: { cpus: '0', mems: '0' } }, 'cpuset', { 'cpuset.cpus': '0', 'cpuset.mems': '0' }),
  { needs: [needsController('cpuset')] },
)

test(
  'cpu.cpus holds',
  async () => {
    const config = withArgs(['probe', 'report'], { linux: { resources: { cpu: { cpus: '0' } } } })
    const report = JSON.parse(mustSucceed(await runOnce(config)).stdout) as { cpuCount: number }
    assert.is(report.cpuCount, 1)
  },
  { needs: [needsController('cpuset')] },
)

test('devices: what is not allowed cannot be opened or made', async () => {
  const caps = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']
  const patch = { process: { capabilities: { bounding: caps, effective: caps, permitted: caps } } }
  const seen = await attempts(
    'mknod /dev/f c 10 229 , open /dev/f , open /dev/null , open /dev/zero 2 , open /dev/full , open /dev/tty , mknod /dev/b b 7 0 , open /dev/b',
    { devices: [{ allow: false, access: 'rwm' }] },
    patch,
  )
  assert.is(seen[1]?.errno, 'EPERM')
  for (const index of [2, 3, 4]) {
    assert.is(seen[index]?.errno, '', JSON.stringify(seen[index]))
  }
  assert.is(seen[5]?.errno, 'ENXIO')
  assert.is(seen[7]?.errno, 'EPERM')
})

test(
  'devices: a rule allows one device, and only as it says',
  async () => {
    const caps = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']
    const patch = { process: { capabilities: { bounding: caps, effective: caps, permitted: caps } } }
    const devices = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'r' },
    ]
    const seen = await attempts('mknod /dev/k c 10 229 , open /dev/k 0 , open /dev/k 1', { devices }, patch)
    assert.is(seen[1]?.errno, '', JSON.stringify(seen))
    assert.is(seen[2]?.errno, 'EPERM')
  },
  { needs: [needsFilesystem('fuse')] },
)

test('devices: without rules everything but the default devices is denied', async () => {
  const caps = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE']
  const patch = { process: { capabilities: { bounding: caps, effective: caps, permitted: caps } } }
  const seen = await attempts('mknod /dev/k c 10 229 , open /dev/k 0 , open /dev/null', { devices: undefined }, patch)
  assert.is(seen[2]?.errno, '')
  assert.is(seen[1]?.errno, 'EPERM')
})

test('blockIO.weight, v1', () => expectFiles({ blockIO: { weight: 200 } }, 'blkio', { 'blkio.bfq.weight': '200' }), {
  needs: [needsCgroup1, needsCgroupFile('blkio', 'blkio.bfq.weight')],
})

test(
  'blockIO throttling, v1',
  async () => {
    const device = statSync('/').dev
    const [major, minor] = [(device >> 8) & 0xfff, device & 0xff]
    const resources = {
      blockIO: {
        throttleReadBpsDevice: [{ major, minor, rate: 1048576 }],
        throttleWriteIOPSDevice: [{ major, minor, rate: 100 }],
      },
    }
    await expectFiles(resources, 'blkio', {
      'blkio.throttle.read_bps_device': `${major}:${minor} 1048576`,
      'blkio.throttle.write_iops_device': `${major}:${minor} 100`,
    })
  },
  { needs: [needsCgroup1, needsCgroupFile('blkio', 'blkio.throttle.read_bps_device')] },
)

test(
  'hugepageLimits, v1',
  () =>
    expectFiles({ hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] }, 'hugetlb', {
      'hugetlb.2MB.limit_in_bytes': '4194304',
    }),
  { needs: [needsCgroup1, needsController('hugetlb')] },
)

test(
  'network.classID and priorities, v1',
  () => expectFiles({ network: { classID: 1048577 } }, 'net_cls', { 'net_cls.classid': '1048577' }),
  { needs: [needsCgroup1, needsController('net_cls')] },
)

test(
  'unified, v2',
  () =>
    expectFiles({ unified: { 'memory.high': '33554432', 'pids.max': '44' } }, '', {
      'memory.high': '33554432',
      'pids.max': '44',
    }),
  { needs: [needsCgroup2, needsController('memory')] },
)

test(
  'unified where there is no cgroup v2 is refused',
  () => {
    assertRefused({ linux: { resources: { unified: { 'memory.high': '1' } } } }, { tsrun: /linux\.resources\.unified/ })
  },
  { needs: [needsCgroup1] },
)

test('a limit that the kernel refuses is refused with file and value', () => {
  assertRefused({ linux: { resources: { cpu: { cpus: '4000' } } } }, { tsrun: /linux\.resources\.cpu.*4000|cpuset/ })
  assertRefused(
    { linux: { resources: { cpu: { quota: 5, period: 100000 } } } },
    { tsrun: /linux\.resources\.cpu.*EINVAL/ },
  )
})

test(
  'limits hold for exec as well',
  async () => {
    await withContainer(withArgs(['sleep', '60'], { linux: { resources: { pids: { limit: 40 } } } }), (container) => {
      mustSucceed(container.create())
      mustSucceed(container.start())
      const outcome = container.exec(['probe', 'forks', '80'])
      const made = parseAttempts(outcome.stdout)[0]?.ret ?? 80
      assert.ok(made <= 39, `${made}`)
    })
  },
  { needs: [needsController('pids')] },
)

test('a container without resources and with a cgroup namespace', async () => {
  const namespaces = [...defaultNamespaces, { type: 'cgroup' }]
  mustSucceed(await runOnce(withArgs(['true'], { linux: { resources: undefined, namespaces } })))
})

run()
