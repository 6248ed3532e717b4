// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVerb } from '../../../cmd/flags.ts'
import { resourcesOfFlags } from '../../../cmd/tsrun/update.ts'
import { validateResources } from '../../../spec/validate.ts'

const test = suite('update')

/** Members that are there. */
function fromFlags(flags: Readonly<Record<string, string>>): unknown {
  const resources = resourcesOfFlags((name) => flags[name])
  assert.equal(validateResources(resources), [])
  const parts = Object.entries(JSON.parse(JSON.stringify(resources)) as object)
  return Object.fromEntries(parts.filter(([, part]) => Object.keys(part as object).length > 0))
}

test('every flag for a limit has its field', () => {
  const rows: readonly (readonly [flag: string, value: string, expected: object])[] = [
    ['blkio-weight', '500', { blockIO: { weight: 500 } }],
    ['cpu-period', '100000', { cpu: { period: 100000 } }],
    ['cpu-quota', '-1', { cpu: { quota: -1 } }],
    ['cpu-burst', '0', { cpu: { burst: 0 } }],
    ['cpu-share', '512', { cpu: { shares: 512 } }],
    ['cpu-rt-period', '1000000', { cpu: { realtimePeriod: 1000000 } }],
    ['cpu-rt-runtime', '950000', { cpu: { realtimeRuntime: 950000 } }],
    ['cpu-idle', '1', { cpu: { idle: 1 } }],
    ['cpuset-cpus', '0-1', { cpu: { cpus: '0-1' } }],
    ['cpuset-mems', '0', { cpu: { mems: '0' } }],
    ['memory', '64m', { memory: { limit: 67108864 } }],
    ['memory-reservation', '1g', { memory: { reservation: 1073741824 } }],
    ['memory-swap', '-1', { memory: { swap: -1 } }],
    ['kernel-memory', '1k', { memory: { kernel: 1024 } }],
    ['kernel-memory-tcp', '-1', { memory: { kernelTCP: -1 } }],
    ['pids-limit', '-1', { pids: { limit: -1 } }],
  ]
  for (const [flag, value, expected] of rows) assert.equal(fromFlags({ [flag]: value }), expected, flag)
  const others = ['resources', 'l3-cache-schema', 'mem-bw-schema']
  assert.equal(
    [...rows.map(([flag]) => flag), ...others].sort(),
    findVerb('update')
      ?.flags.map(({ name }) => name)
      .sort(),
  )
})

test('nothing, and an empty text, ask for nothing', () => {
  assert.equal(fromFlags({}), {})
  assert.equal(fromFlags({ memory: '', 'cpu-share': '' }), {})
})

test('what is no value is refused with flag and value', () => {
  for (const [flag, value] of Object.entries({
    memory: '10x',
    'memory-swap': '-2',
    'cpu-share': '-1',
    'cpu-quota': 'many',
    'cpu-period': '1.5',
  })) {
    assert.throws(
      () => resourcesOfFlags((name) => (name === flag ? value : undefined)),
      (e: Error) => e.message.startsWith(`invalid value for ${flag}: "${value}"`),
    )
  }
})

test.run()
