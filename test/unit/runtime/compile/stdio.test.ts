// SPDX-License-Identifier: Apache-2.0
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { execPlanOf, find, kindsOf, planOf, refusalOf } from './requests.ts'

const test = suite('stdio')
const env = (values: Readonly<Record<string, string>>): { readonly env: ReadonlyMap<string, string> } => ({
  env: new Map(Object.entries(values)),
})

test('no descriptor but stdio stays open', () => {
  assert.is(find(planOf(), 'start', 'preserve-fds').count, 0)
  const order = kindsOf(planOf(), 'drop')
  assert.ok(order.indexOf('preserve-fds') < order.indexOf('chdir'), 'a cwd must not name one (CVE-2024-21626)')
})

for (const [given, count] of [
  ['0', 0],
  ['2', 2],
  ['+2', 2],
  ['0x10', 16],
  ['010', 8],
  ['0o10', 8],
] as const) {
  test(`--preserve-fds ${given}`, () => {
    assert.is(find(planOf({ options: { 'preserve-fds': given } }), 'start', 'preserve-fds').count, count)
  })
}

for (const given of ['-1', '', 'a', '1.5', '1e3', '99999999', '09']) {
  test(`--preserve-fds ${JSON.stringify(given)} is refused`, () => {
    assert.match(
      refusalOf(() => planOf({ options: { 'preserve-fds': given } })),
      /^--preserve-fds: /,
    )
  })
}

test('a descriptor that is absent fails create, not only start', () => {
  assert.is(find(planOf({ options: { 'preserve-fds': '1' } }), 'drop', 'preserve-fds').count, 1)
})

test('LISTEN_FDS are passed on when they are meant for this process', () => {
  const plan = planOf({
    facts: env({ LISTEN_FDS: '2', LISTEN_PID: '100', LISTEN_FDNAMES: 'a:b' }),
    options: { 'preserve-fds': '1' },
  })
  assert.is(find(plan, 'start', 'preserve-fds').count, 3)
  assert.equal(find(plan, 'start', 'execve').env, ['PATH=/bin', 'LISTEN_FDS=2', 'LISTEN_PID=1', 'LISTEN_FDNAMES=a:b'])
})

test('LISTEN_FDS for another process, or broken, count for nothing', () => {
  for (const values of [
    { LISTEN_FDS: '2', LISTEN_PID: '101' },
    { LISTEN_FDS: '2' },
    { LISTEN_FDS: '-2', LISTEN_PID: '100' },
    { LISTEN_FDS: 'x', LISTEN_PID: '100' },
  ]) {
    const plan = planOf({ facts: env(values) })
    assert.is(find(plan, 'start', 'preserve-fds').count, 0)
    assert.equal(find(plan, 'start', 'execve').env, ['PATH=/bin'])
  }
  assert.is(
    find(execPlanOf(['x'], { facts: env({ LISTEN_FDS: '2', LISTEN_PID: '100' }) }), 'start', 'preserve-fds').count,
    0,
  )
})

test.run()
