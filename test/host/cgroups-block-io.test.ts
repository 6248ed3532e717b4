// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { expectFiles, needsCgroupFile } from '../helpers/cgroup-files.ts'
import { type Need, needsCgroup1, needsCgroup2, needsController } from '../helpers/host.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('cgroups block io')

/** A device is named by what the file system of the root is on. */
const rootDevice = statSync('/').dev
const [major, minor] = [(rootDevice >> 8) & 0xfff, rootDevice & 0xff]
const disk = { major, minor }

const needsWholeDisk: Need = () =>
  existsSync(`/sys/dev/block/${major}:${minor}/queue`) ? undefined : 'the root is not on a whole disk'

/** A loop device that nobody uses. */
const spare = readdirSync('/sys/block').findLast(
  (name) => /^loop\d+$/.test(name) && readFileSync(`/sys/block/${name}/size`, 'utf8').trim() === '0',
)
const scheduler = `/sys/block/${spare}/queue/scheduler`

const needsBfq: Need = () =>
  spare !== undefined && readFileSync(scheduler, 'utf8').includes('bfq') ? undefined : 'no idle loop device with BFQ'

/** Weights of a device are those of the scheduler BFQ, which it has meanwhile. */
async function withBfq(use: (device: { major: number; minor: number }) => Promise<void>): Promise<void> {
  const before = /\[(\w+(?:-\w+)*)\]/.exec(readFileSync(scheduler, 'utf8'))?.[1] ?? 'none'
  const [loopMajor = 0, loopMinor = 0] = readFileSync(`/sys/block/${spare}/dev`, 'utf8').split(':').map(Number)
  writeFileSync(scheduler, 'bfq')
  try {
    await use({ major: loopMajor, minor: loopMinor })
  } finally {
    writeFileSync(scheduler, before)
  }
}

test('blockIO.weight, v1', () => expectFiles({ blockIO: { weight: 200 } }, 'blkio', { 'blkio.bfq.weight': '200' }), {
  needs: [needsCgroup1, needsCgroupFile('blkio', 'blkio.bfq.weight')],
})

test(
  'blockIO.weightDevice, v1',
  () =>
    withBfq((device) =>
      expectFiles({ blockIO: { weightDevice: [{ ...device, weight: 300 }] } }, 'blkio', {
        'blkio.bfq.weight_device': new RegExp(`^${device.major}:${device.minor} 300$`, 'm'),
      }),
    ),
  { needs: [needsCgroup1, needsCgroupFile('blkio', 'blkio.bfq.weight_device'), needsBfq] },
)

test(
  'blockIO throttling, v1',
  () =>
    expectFiles(
      {
        blockIO: {
          throttleReadBpsDevice: [{ ...disk, rate: 1048576 }],
          throttleWriteBpsDevice: [{ ...disk, rate: 2097152 }],
          throttleReadIOPSDevice: [{ ...disk, rate: 200 }],
          throttleWriteIOPSDevice: [{ ...disk, rate: 100 }],
        },
      },
      'blkio',
      {
        'blkio.throttle.read_bps_device': `${major}:${minor} 1048576`,
        'blkio.throttle.write_bps_device': `${major}:${minor} 2097152`,
        'blkio.throttle.read_iops_device': `${major}:${minor} 200`,
        'blkio.throttle.write_iops_device': `${major}:${minor} 100`,
      },
    ),
  { needs: [needsCgroup1, needsCgroupFile('blkio', 'blkio.throttle.read_bps_device'), needsWholeDisk] },
)

test(
  'leaf weights left the kernel with Linux 5.0: they are refused by name, v1',
  () => {
    assertRefused(
      { linux: { resources: { blockIO: { leafWeight: 300 } } } },
      {
        tsrun:
          /linux\.resources\.blockIO\.leafWeight: .*blkio\.leaf_weight\\?", a setting that this kernel does not have: .*ENOENT/,
      },
    )
    assertRefused(
      { linux: { resources: { blockIO: { weightDevice: [{ ...disk, leafWeight: 300 }] } } } },
      { tsrun: /linux\.resources\.blockIO\.weightDevice\[0\]\.leafWeight.*ENOENT/ },
    )
  },
  {
    needs: [needsCgroup1, needsController('blkio')],
    differsFrom: { runc: 'ignores them', crun: 'leaves its cgroups' },
  },
)

test(
  'leaf weights are refused by name, v2',
  () => {
    assertRefused(
      { linux: { resources: { blockIO: { leafWeight: 300 } } } },
      { tsrun: /linux\.resources\.blockIO\.leafWeight: .*v2/ },
    )
  },
  { needs: [needsCgroup2], differsFrom: { runc: 'ignores them', crun: 'ignores them' } },
)

test(
  'blockIO: weight and throttling, v2',
  async () => {
    const blockIO = {
      weight: 500,
      throttleReadBpsDevice: [{ ...disk, rate: 1048576 }],
      throttleWriteBpsDevice: [{ ...disk, rate: 2097152 }],
      throttleReadIOPSDevice: [{ ...disk, rate: 200 }],
      throttleWriteIOPSDevice: [{ ...disk, rate: 100 }],
    }
    await expectFiles({ blockIO }, 'io', {
      'io.max': `${major}:${minor} rbps=1048576 wbps=2097152 riops=200 wiops=100`,
      'io.weight': /^default 4950$/m,
    })
  },
  { needs: [needsCgroup2, needsController('io'), needsWholeDisk] },
)

test(
  'blockIO.weightDevice, v2',
  () =>
    withBfq((device) =>
      expectFiles({ blockIO: { weightDevice: [{ ...device, weight: 300 }] } }, 'io', {
        'io.bfq.weight': new RegExp(`^${device.major}:${device.minor} 300$`, 'm'),
      }),
    ),
  { needs: [needsCgroup2, needsController('io'), needsBfq, needsCgroupFile('io', 'io.bfq.weight')] },
)

run()
