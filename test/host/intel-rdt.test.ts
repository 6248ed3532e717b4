// SPDX-License-Identifier: Apache-2.0
// Hardly any machine that runs tests has the hardware, so a directory stands in for the resctrl file system: the plan is made
// here, as the library makes it, for a host that has one mounted there. What the kernel does with the files is not seen.

import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { readFacts } from '../../runtime/facts/read.ts'
import { encodePlan } from '../../runtime/plan/encode.ts'
import { planFromRequest } from '../../runtime/plan-request.ts'
import { type Json, withArgs } from '../helpers/bundle.ts'
import { type Container, mustSucceed, withContainer } from '../helpers/container.ts'
import { isTsrun, type Outcome } from '../helpers/runtime.ts'
import { assertFailure, assertRefused, hostSuite } from '../helpers/suite.ts'
import { newDir, newPath, stateRoot } from '../helpers/work-dir.ts'

const { test: hostTest, run } = hostSuite('intel rdt')
const test: typeof hostTest = (name, body) =>
  hostTest(name, body, { needs: [() => (isTsrun ? undefined : 'a plan of tsrun is run')] })

/** A group as the kernel shows it. */
function makeGroup(dir: string, schemata: string): void {
  mkdirSync(join(dir, 'mon_groups'), { recursive: true })
  for (const [file, text] of Object.entries({ schemata, tasks: '' })) writeFileSync(join(dir, file), text)
}

/** Creates the container where resctrl seems to be mounted at `dir`. */
function createAt(dir: string, container: Container): Outcome {
  const facts = readFacts()
  const plan = planFromRequest({
    ...{ verb: 'create', id: container.id, bundle: container.bundle, root: stateRoot, options: new Map(), args: [] },
    config: readFileSync(join(container.bundle, 'config.json'), 'utf8'),
    facts: { ...facts, mountinfo: `${facts.mountinfo}999 1 0:99 / ${dir} rw - resctrl resctrl rw\n` },
  })
  const file = newPath('plan')
  writeFileSync(file, encodePlan(plan))
  const fd = openSync(file, 'r')
  try {
    return container.create(['--plan-fd=3'], { fds: [fd] })
  } finally {
    closeSync(fd)
  }
}

const withRdt = (intelRdt: Json): Json => withArgs(['true'], { linux: { intelRdt } })
const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8')

test('closID: a group that is there is joined when it says the same, and stays', async () => {
  const dir = newDir('resctrl')
  makeGroup(join(dir, 'gold'), '    MB:0= 20;1= 70\n    L3:0=007f0;1=0001f\n')
  const intelRdt = {
    closID: 'gold',
    l3CacheSchema: 'L3:0=7f0;1=1f',
    memBwSchema: 'MB:0=20;1=70',
    schemata: ['L3:1=1f'],
    enableMonitoring: true,
  }
  await withContainer(withRdt(intelRdt), (container) => {
    const monitor = join(dir, 'gold/mon_groups', container.id)
    // The kernel makes the files of a group; a directory has to have them before.
    mkdirSync(monitor)
    assertFailure(createAt(dir, container), { tsrun: /linux\.intelRdt\.enableMonitoring.*mkdir.*EEXIST/ })
    assert.not(existsSync(monitor))
  })
  await withContainer(withRdt({ ...intelRdt, enableMonitoring: false }), (container) => {
    mustSucceed(createAt(dir, container))
    assert.is(read(dir, 'gold/tasks'), String(container.pid()))
    assert.match(read(dir, 'gold/schemata'), /007f0/)
    mustSucceed(container.delete(['--force']))
    assert.ok(existsSync(join(dir, 'gold')))
  })
})

test('closID: a group that is there and says something else is refused', async () => {
  const dir = newDir('resctrl')
  makeGroup(join(dir, 'gold'), '    L3:0=7f0;1=1f\n')
  for (const [field, value] of Object.entries({
    l3CacheSchema: 'L3:0=7f0;1=3f',
    memBwSchema: 'MB:0=20',
    schemata: ['L3:0=7f0', 'L3:2=1'],
  })) {
    await withContainer(withRdt({ closID: 'gold', [field]: value }), (container) => {
      assertFailure(createAt(dir, container), {
        tsrun: /linux\.intelRdt\.closID \(gold\): .*is not what it has.*EEXIST/,
      })
    })
  }
  assert.is(read(dir, 'gold/tasks'), '')
})

test('closID "/" is the group of all', async () => {
  const dir = newDir('resctrl')
  makeGroup(dir, '    L3:0=fff\n')
  await withContainer(withRdt({ closID: '/' }), (container) => {
    mustSucceed(createAt(dir, container))
    assert.is(read(dir, 'tasks'), String(container.pid()))
  })
})

test('closID without anything to set must be there', async () => {
  const dir = newDir('resctrl')
  await withContainer(withRdt({ closID: 'gold' }), (container) => {
    assertFailure(createAt(dir, container), { tsrun: /linux\.intelRdt.*gold\/tasks.*ENOENT/ })
  })
})

test('a group that cannot be set up leaves none behind', async () => {
  const dir = newDir('resctrl')
  // In a mere directory there is no file "schemata" in a new group.
  for (const intelRdt of [{ l3CacheSchema: 'L3:0=f' }, { closID: 'gold', l3CacheSchema: 'L3:0=f' }]) {
    await withContainer(withRdt(intelRdt), (container) => {
      assertFailure(createAt(dir, container), { tsrun: /linux\.intelRdt.*schemata.*ENOENT/ })
    })
    assert.equal(readdirSync(dir), [])
  }
})

test('where no resctrl file system is mounted it is refused', () => {
  assertRefused(withRdt({ closID: 'gold', enableMonitoring: true }), { tsrun: /linux\.intelRdt: no resctrl/ })
})

run()
