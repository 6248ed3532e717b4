// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import type { Json } from '../helpers/bundle.ts'
import { inspect, mustSucceed, withContainer } from '../helpers/container.ts'
import { assertRefused, hostSuite } from '../helpers/suite.ts'

const { test, run } = hostSuite('rlimits')

function withProcess(process: Json): Json {
  return { process }
}

test('rlimits', async () => {
  const { rlimits } = await inspect(
    withProcess({
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 300, hard: 400 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_NPROC', soft: 100, hard: 200 },
        { type: 'RLIMIT_FSIZE', soft: 1073741824, hard: 4294967296 },
        { type: 'RLIMIT_STACK', soft: 4194304, hard: 4194304 },
        { type: 'RLIMIT_CPU', soft: 1000, hard: 1000 },
      ],
    }),
  )
  assert.equal(rlimits['RLIMIT_NOFILE'], ['300', '400'])
  assert.equal(rlimits['RLIMIT_CORE'], ['0', '0'])
  assert.equal(rlimits['RLIMIT_NPROC'], ['100', '200'])
  assert.equal(rlimits['RLIMIT_FSIZE'], ['1073741824', '4294967296'])
  assert.equal(rlimits['RLIMIT_STACK'], ['4194304', '4194304'])
  assert.equal(rlimits['RLIMIT_CPU'], ['1000', '1000'])
})

test('an rlimit of 2^64 - 1 is unlimited', async () => {
  const text = JSON.stringify({ type: 'RLIMIT_CORE', soft: 0, hard: 0 }).replaceAll(':0', ':18446744073709551615')
  // JavaScript has no such number, so the text is put in place of a word.
  await withContainer(withProcess({ rlimits: ['HERE'] }), (container) => {
    const path = `${container.bundle}/config.json`
    writeFileSync(path, readFileSync(path, 'utf8').replace('"HERE"', text))
    const report = JSON.parse(mustSucceed(container.run()).stdout) as { rlimits: Record<string, readonly string[]> }
    assert.equal(report.rlimits['RLIMIT_CORE'], ['18446744073709551615', '18446744073709551615'])
  })
})

test('an unknown rlimit, one given twice, and soft above hard are refused', () => {
  assertRefused(withProcess({ rlimits: [{ type: 'RLIMIT_NOSUCH', soft: 1, hard: 1 }] }), {
    tsrun: /rlimits.*RLIMIT_NOSUCH/,
  })
  assertRefused(withProcess({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 5, hard: 4 }] }), { tsrun: /rlimits/ })
})

test(
  'an rlimit given twice is refused',
  () => {
    const rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 10, hard: 10 },
      { type: 'RLIMIT_NOFILE', soft: 20, hard: 20 },
    ]
    assertRefused(withProcess({ rlimits }), { tsrun: /rlimits.*RLIMIT_NOFILE/ })
  },
  { differsFrom: { 'runc<1.3': 'takes the last one; the specification says an error must be generated' } },
)

run()
