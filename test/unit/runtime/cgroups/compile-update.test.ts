// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileUpdate } from '../../../../runtime/cgroups/compile-update.ts'
import type { LinuxResources } from '../../../../spec/runtime/resources.ts'

const test = suite('compile-update')
const MB = 1 << 20

const v1 = { cpu: '/v1/cpu/c', cpuset: '/v1/cpuset/c', memory: '/v1/memory/c', pids: '/v1/pids/c', '': '/v1/unified/c' }
const v2 = { '': '/v2/c' }

type Files = Readonly<Record<string, string>>

/** `DIRECTORY/FILE VALUE` of each write, with these files in force. */
function writes(version: 1 | 2, resources: LinuxResources, files: Files = {}): readonly string[] {
  const { changes } = compileUpdate(resources, version === 1 ? v1 : v2, (_, file) => files[file])
  return changes.map(({ directory, file, value }) => `${directory}/${file} ${value}`)
}

const ofDocker: LinuxResources = {
  memory: { limit: 128 * MB, reservation: 0, swap: 128 * MB, kernel: 0 },
  cpu: { shares: 256, quota: 25000, period: 100000 },
  pids: { limit: 60 },
  blockIO: { weight: 0 },
}

test('v1: what docker sends, raised', () => {
  const inForce = { 'memory.limit_in_bytes': `${64 * MB}\n`, 'memory.memsw.limit_in_bytes': `${64 * MB}\n` }
  assert.equal(writes(1, ofDocker, inForce), [
    '/v1/memory/c/memory.memsw.limit_in_bytes 134217728',
    '/v1/memory/c/memory.limit_in_bytes 134217728',
    '/v1/cpu/c/cpu.shares 256',
    '/v1/cpu/c/cpu.cfs_period_us 100000',
    '/v1/cpu/c/cpu.cfs_quota_us 25000',
    '/v1/pids/c/pids.max 60',
  ])
})

test('v2: what docker sends', () => {
  assert.equal(writes(2, ofDocker), [
    '/v2/c/pids.max 60',
    '/v2/c/memory.swap.max 0',
    '/v2/c/memory.max 134217728',
    '/v2/c/cpu.weight 35',
    '/v2/c/cpu.max 25000 100000',
  ])
})

test('v1: memory and swap go in the order that the kernel takes, and are never lifted meanwhile', () => {
  const swap = '/v1/memory/c/memory.memsw.limit_in_bytes'
  const limit = '/v1/memory/c/memory.limit_in_bytes'
  const from = (bytes: number) => ({
    'memory.limit_in_bytes': String(bytes),
    'memory.memsw.limit_in_bytes': String(2 * bytes),
  })
  const to = { memory: { limit: 4 * MB, swap: 8 * MB } }
  assert.equal(writes(1, to, from(2 * MB)), [`${swap} 8388608`, `${limit} 4194304`])
  assert.equal(writes(1, to, from(8 * MB)), [`${swap} 8388608`, `${limit} 4194304`])
  assert.equal(writes(1, to, from(16 * MB)), [`${limit} 4194304`, `${swap} 8388608`])
  assert.equal(writes(1, { memory: { limit: 4 * MB, swap: -1 } }, from(16 * MB)), [`${swap} -1`, `${limit} 4194304`])
  assert.equal(writes(1, { memory: { limit: -1 } }, from(MB)), [`${swap} -1`, `${limit} -1`])
  assert.equal(writes(1, { memory: { limit: MB } }, from(8 * MB)), [`${limit} 1048576`])
})

test('v1: memory or swap alone must fit to the other', () => {
  const inForce = { 'memory.limit_in_bytes': `${8 * MB}`, 'memory.memsw.limit_in_bytes': `${16 * MB}` }
  assert.throws(() => writes(1, { memory: { limit: 32 * MB } }, inForce), /memory\.limit: 33554432 is above .*16777216/)
  assert.throws(() => writes(1, { memory: { swap: 4 * MB } }, inForce), /memory\.swap: 4194304 is below .*8388608/)
  assert.is(writes(1, { memory: { limit: 16 * MB } }, inForce).length, 1)
  assert.is(writes(1, { memory: { swap: 8 * MB } }, inForce).length, 1)
  // Without swap accounting there is nothing to fit to.
  assert.is(writes(1, { memory: { limit: 32 * MB } }, { 'memory.limit_in_bytes': '1' }).length, 1)
})

test('v2: quota or period alone keeps the other', () => {
  const inForce = { 'cpu.max': '20000 50000\n' }
  assert.equal(writes(2, { cpu: { quota: 10000 } }, inForce), ['/v2/c/cpu.max 10000 50000'])
  assert.equal(writes(2, { cpu: { period: 100000 } }, inForce), ['/v2/c/cpu.max 20000 100000'])
  assert.equal(writes(2, { cpu: { quota: -1 } }, inForce), ['/v2/c/cpu.max max 50000'])
  assert.equal(writes(2, { cpu: { period: 10000 } }, { 'cpu.max': 'max 100000\n' }), ['/v2/c/cpu.max max 10000'])
  assert.equal(writes(2, { cpu: { quota: 10000 } }), ['/v2/c/cpu.max 10000 100000'])
})

test('v2: swap alone counts from the memory limit in force', () => {
  assert.equal(writes(2, { memory: { swap: 6 * MB } }, { 'memory.max': `${4 * MB}\n` }), [
    '/v2/c/memory.swap.max 2097152',
  ])
  assert.throws(() => writes(2, { memory: { swap: 6 * MB } }, { 'memory.max': 'max\n' }), /memory\.swap: needs/)
  assert.throws(() => writes(2, { memory: { swap: MB } }, { 'memory.max': `${4 * MB}\n` }), /memory\.swap: 1048576 is/)
})

test('zero leaves a limit as it is, unless it is a value', () => {
  const zeros: LinuxResources = {
    memory: { limit: 0, swap: 0, reservation: 0 },
    cpu: { shares: 0, quota: 0, period: 0, realtimePeriod: 0, realtimeRuntime: 0, cpus: '', mems: '' },
    blockIO: { weight: 0 },
  }
  assert.equal(writes(1, zeros), [])
  assert.equal(writes(2, zeros), [])
  assert.equal(writes(1, { pids: { limit: 0 } }), ['/v1/pids/c/pids.max 1'])
  assert.equal(writes(1, { cpu: { burst: 0, idle: 0 } }), ['/v1/cpu/c/cpu.cfs_burst_us 0', '/v1/cpu/c/cpu.idle 0'])
})

test('device rules and kernel memory are told to be ignored', () => {
  const { changes, warnings } = compileUpdate(
    { devices: [{ allow: false, access: 'rwm' }], memory: { kernel: 1, kernelTCP: 0 } },
    v1,
    () => undefined,
  )
  assert.equal(changes, [])
  assert.is(warnings.length, 2)
  assert.match(warnings[0] ?? '', /^linux\.resources\.memory\.kernel: ignored/)
  assert.match(warnings[1] ?? '', /^linux\.resources\.devices: ignored/)
  assert.equal(compileUpdate(ofDocker, v1, () => undefined).warnings, [])
})

test('memory for TCP has a limit of its own on v1 alone', () => {
  const resources = { memory: { kernelTCP: MB } }
  const told = (paths: Readonly<Record<string, string>>, memory = resources.memory): readonly string[] =>
    compileUpdate({ memory }, paths, () => undefined).warnings
  assert.equal(writes(1, resources), ['/v1/memory/c/memory.kmem.tcp.limit_in_bytes 1048576'])
  assert.equal(told(v1), [])
  assert.equal(writes(2, resources), [])
  assert.match(told(v2)[0] ?? '', /^linux\.resources\.memory\.kernelTCP: ignored, on cgroup v2/)
  assert.equal(told(v2, { kernelTCP: -1 }), [])
})

test('v2: checkBeforeUpdate refuses what is in use', () => {
  const usage = { 'memory.current': `${4 * MB}\n`, 'memory.max': 'max\n' }
  const memory = { limit: 4 * MB, checkBeforeUpdate: true }
  assert.throws(
    () => writes(2, { memory }, usage),
    /^linux\.resources\.memory\.limit: rejecting memory limit 4194304 <= usage 4194304/,
  )
  assert.throws(() => writes(2, { memory: { ...memory, swap: 4 * MB } }, usage), /rejecting memory\+swap limit/)
  assert.is(writes(2, { memory: { ...memory, limit: 5 * MB } }, usage).length, 1)
  assert.is(writes(2, { memory: { ...memory, limit: -1 } }, usage).length, 2)
  assert.is(writes(2, { memory: { limit: MB } }, usage).length, 1)
  assert.is(writes(2, { memory }, {}).length, 1)
})

test('a controller that the container is not in is refused by field', () => {
  const compile = (resources: LinuxResources, paths: Files) => () => compileUpdate(resources, paths, () => undefined)
  assert.throws(compile({ blockIO: { weight: 10 } }, v1), /^linux\.resources\.blockIO\.weight: .*controller blkio/)
  assert.throws(compile({ pids: { limit: 1 } }, {}), /^linux\.resources\.pids\.limit: the container has no cgroup$/)
  assert.throws(compile({ unified: { 'memory.high': '1' } }, v1), /^linux\.resources\.unified: /)
})

test.run()
