// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CgroupPlan, compileCgroups } from '../../../../runtime/cgroups/compile-cgroups.ts'
import { parseCgroupLayout } from '../../../../runtime/cgroups/hierarchies.ts'
import type { FdSlot, Op } from '../../../../runtime/plan/ops.ts'
import type { LinuxResources } from '../../../../spec/runtime/resources.ts'
import { factsOf } from './hosts.ts'

/* Does the kernel at hand take what the compilers write? The ops are run here, without the executor. */

const test = suite('cgroups on this kernel')
const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')
const cgroup = readFileSync('/proc/self/cgroup', 'utf8')
const layout = parseCgroupLayout(mountinfo, cgroup)
const missing = missingHere()

function missingHere(): string {
  if (process.getuid?.() !== 0) return 'needs root'
  if (layout.mode === 'none') return 'no cgroup is mounted'
  const place = layout.hierarchies[0]?.mountPoint
  try {
    mkdirSync(`${place}/tsrun-test-${process.pid}`)
    rmdirSync(`${place}/tsrun-test-${process.pid}`)
    return ''
  } catch (error) {
    return `no cgroup can be made: ${(error as Error).message}`
  }
}

const controllersFile = layout.hierarchies.find((hierarchy) => hierarchy.version === 2)
const available =
  layout.mode === 'v2'
    ? readFileSync(`${controllersFile?.mountPoint}/cgroup.controllers`, 'utf8').trim().split(' ')
    : layout.hierarchies.flatMap((hierarchy) => hierarchy.controllers)

function compile(resources: LinuxResources): CgroupPlan {
  let count = 0
  return compileCgroups({
    spec: {
      ociVersion: '1.2.0',
      linux: { cgroupsPath: `/tsrun-test-${process.pid}/box`, resources },
    },
    id: 'box',
    facts: factsOf({
      mountinfo,
      cgroup,
      uidMap: readFileSync('/proc/self/uid_map', 'utf8'),
      ...(layout.mode === 'v2' && { cgroupControllers: available.join(' ') }),
    }),
    rootless: false,
    systemd: false,
    slots: { next: () => count++ as FdSlot } as never,
  })
}

function run(op: Op): void {
  if (op.kind === 'cgroup-make') makeCgroup(op.path, op.flags === 1)
  if (op.kind === 'open') assert.ok(existsSync(op.path), op.path)
  if (op.kind !== 'write-file') return
  try {
    writeFileSync(op.path, op.data, { flag: 'r+' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (op.tolerate?.some((name) => name === code)) return
    throw new Error(`${op.label}: ${op.data} > ${op.path}: ${code}`)
  }
}

function makeCgroup(path: string, cpuset: boolean): void {
  if (!existsSync(dirname(path))) makeCgroup(dirname(path), cpuset)
  if (!existsSync(path)) mkdirSync(path)
  if (!cpuset) return
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readFileSync(`${path}/${file}`, 'utf8').trim() !== '') continue
    writeFileSync(`${path}/${file}`, readFileSync(`${dirname(path)}/${file}`, 'utf8'))
  }
}

function withCgroups(resources: LinuxResources, look: (paths: CgroupPlan['paths']) => void): void {
  const plan = compile(resources)
  try {
    for (const op of plan.prepare) run(op)
    for (const op of [...plan.pause, ...plan.resume]) if (op.kind === 'write-file') run(op)
    look(plan.paths)
  } finally {
    for (const op of plan.undo) {
      if (op.kind !== 'cgroup-remove') continue
      if (existsSync(op.path)) rmdirSync(op.path)
      if (existsSync(dirname(op.path))) rmdirSync(dirname(op.path))
    }
  }
}

const MB = 1 << 20
const cases: [controller: string, resources: LinuxResources, v1: string, v2: string][] = [
  ['memory', { memory: { limit: 512 * 1024 } }, 'memory.limit_in_bytes=524288', 'memory.max=524288'],
  [
    'memory',
    { memory: { limit: 4 * MB, swap: 8 * MB, reservation: MB } },
    'memory.soft_limit_in_bytes=1048576',
    'memory.low=1048576',
  ],
  ['memory', { memory: { limit: -1 } }, '', 'memory.max=max'],
  ['cpu', { cpu: { shares: 2048 } }, 'cpu.shares=2048', 'cpu.weight=174'],
  ['cpu', { cpu: { quota: 50000, period: 100000, burst: 1000 } }, 'cpu.cfs_quota_us=50000', 'cpu.max=50000 100000'],
  ['cpu', { cpu: { shares: 100, idle: 1 } }, 'cpu.idle=1', 'cpu.idle=1'],
  ['cpuset', { cpu: { cpus: '0', mems: '0' } }, 'cpuset.cpus=0', 'cpuset.cpus=0'],
  ['pids', { pids: { limit: 20 } }, 'pids.max=20', 'pids.max=20'],
  ['pids', { pids: { limit: -1 } }, 'pids.max=max', 'pids.max=max'],
]

/** A whole disk, for limits by device: 'major:minor'. */
const disk = readdirSync('/sys/block')
  .filter((name) => /^(vd|sd|nvme|xvd|loop)/.test(name))
  .map((name) => readFileSync(`/sys/block/${name}/dev`, 'utf8').trim())[0]
const io = layout.mode === 'v2' ? 'io' : 'blkio'
if (disk !== undefined) {
  const [major, minor] = disk.split(':').map(Number) as [number, number]
  cases.push([
    io,
    { blockIO: { throttleWriteBpsDevice: [{ major, minor, rate: 1048576 }] } },
    `blkio.throttle.write_bps_device=${disk} 1048576`,
    `io.max=${disk} rbps=max wbps=1048576 riops=max wiops=max`,
  ])
}
if (layout.mode === 'v2') cases.push([io, { blockIO: { weight: 500 } }, '', 'io.weight=default 4950'])
cases.push([
  'hugetlb',
  { hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] },
  'hugetlb.2MB.limit_in_bytes=4194304',
  'hugetlb.2MB.rsvd.max=4194304',
])
if (layout.mode === 'v2') {
  cases.push(['memory', { unified: { 'memory.high': '2097152' } }, '', 'memory.high=2097152'])
}

const check = (name: string, body: () => void) => (missing === '' ? test(name, body) : undefined)
if (missing !== '') console.log(`cgroups on this kernel: skipped, ${missing}`)

for (const [controller, resources, v1, v2] of cases) {
  if (!available.includes(controller)) {
    console.log(`skipped, no controller ${controller}: ${JSON.stringify(resources)}`)
    continue
  }
  check(`${controller} ${JSON.stringify(resources)}`, () =>
    withCgroups(resources, (paths) => {
      const [file, ...rest] = (layout.mode === 'v2' ? v2 : v1).split('=')
      if (!file) return
      const directory = layout.mode === 'v2' ? paths[''] : paths[controller]
      assert.is(readFileSync(`${directory}/${file}`, 'utf8').trim(), rest.join('='))
    }),
  )
}

if (available.includes('devices')) {
  check('devices on v1', () => {
    const rules = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
    ] as const
    withCgroups({ devices: rules }, (paths) => {
      const list = readFileSync(`${paths['devices']}/devices.list`, 'utf8').trim().split('\n')
      assert.ok(list.includes('c 10:229 rw') && list.includes('c 136:* rwm'), list.join())
      assert.not.ok(list.includes('a *:* rwm'))
    })
    withCgroups({ devices: [{ allow: true, access: 'rwm' }] }, (paths) => {
      assert.is(readFileSync(`${paths['devices']}/devices.list`, 'utf8'), 'a *:* rwm\n')
    })
  })
}

test.run()
