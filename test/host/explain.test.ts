// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, newContainer, newSource, withContainer } from '../helpers/container.ts'
import { callRuntime, type CallOptions, isTsrun, type Outcome } from '../helpers/runtime.ts'
import { assertFailure, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath, stateRoot } from '../helpers/work-dir.ts'

const { test: hostTest, run } = hostSuite('explain')
const test: typeof hostTest = (name, body) =>
  hostTest(name, body, { differsFrom: { runc: 'no such verb', crun: 'no such verb', youki: 'no such verb' } })

function explain(container: Container, flags: readonly string[] = [], options: CallOptions = {}): Outcome {
  return callRuntime(['explain', '--bundle', container.bundle, ...flags], options)
}

test('a bundle: every step, and the field that asks for it', () => {
  const source = newSource()
  const mounts = [{ destination: '/data', type: 'bind', source, options: ['rbind', 'ro'] }]
  const { stdout } = mustSucceed(explain(newContainer({ mounts, hostname: 'inside' })))
  assert.match(stdout, /mounts\[0\] \(\/data\)/)
  assert.match(stdout, /hostname/)
  assert.ok(stdout.includes(source))
  assert.match(stdout, /execve/)
})

test('nothing is changed, and root is not needed', () => {
  const container = newContainer(withArgs(['true']))
  const root = newPath('state')
  // A user without any power, who may read the bundle.
  const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all']
  mustSucceed(explain(container, [], { root, wrapper }))
  assert.is(existsSync(root), false)
  assert.equal(readdirSync(container.bundle), ['config.json'])
})

test('the same bundle gives the same text', () => {
  const container = newContainer(withArgs(['true']))
  const withoutTimes = (): string =>
    mustSucceed(explain(container)).stdout.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
  assert.is(withoutTimes(), withoutTimes())
})

test('--json has sections of ops', () => {
  const plan = JSON.parse(mustSucceed(explain(newContainer(), ['--json'])).stdout) as Json
  const { setup } = plan['sections'] as Record<string, readonly Json[]>
  assert.ok(setup?.some((op) => op['op'] === 'pivot'))
  assert.ok(setup?.every((op) => typeof op['label'] === 'string'))
})

test('the plan of a container that exists', async () => {
  await withContainer(withArgs(['sleep', '60'], { hostname: 'stored' }), (container) => {
    mustSucceed(container.create())
    const { stdout } = mustSucceed(callRuntime(['explain', container.id]))
    assert.match(stdout, /stored/)
    assert.match(stdout, /undo/)
    assert.ok(existsSync(join(stateRoot, container.id)))
  })
})

test('a config that is wrong is told as create would tell it', () => {
  const container = newContainer({ process: { cwd: 'relative' }, ociVersion: 'x' })
  assertFailure(explain(container), { tsrun: /ociVersion.*process\.cwd/ })
})

test('no bundle, no config, no container', () => {
  const nothing = newPath('nothing')
  assertFailure(callRuntime(['explain', '--bundle', nothing]), { tsrun: /--bundle: open .*nothing.*ENOENT/ })
  assertFailure(callRuntime(['explain', '--bundle', newDir('empty')]), { tsrun: /config\.json not found/ })
  assertFailure(callRuntime(['explain', 'nosuch']), { tsrun: /container does not exist: nosuch/ })
})

if (!isTsrun) process.stdout.write('explain is a verb of tsrun alone\n')
run()
