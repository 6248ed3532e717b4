// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listContainers } from '../../../../runtime/lifecycle/list-containers.ts'
import { encodePlan } from '../../../../runtime/plan/encode.ts'
import type { PlanFields } from '../../../../runtime/plan/plan.ts'
import { checkContainerId, listIds, ownerOf, readContainer, toReport } from '../../../../runtime/state/container.ts'
import { parseProcessStat } from '../../../../runtime/state/process-stat.ts'
import { resolveStateRoot } from '../../../../runtime/state/state-root.ts'
import { makePlan } from './plans.ts'

const test = suite('container')
const work = mkdtempSync(join(tmpdir(), 'tsrun-state-'))
test.after(() => rmSync(work, { recursive: true }))

const own = parseProcessStat(readFileSync('/proc/self/stat', 'latin1'))?.startTime ?? 0n
let count = 0

/** A state root with one container in it, whose init is this process. */
function store(fields: Partial<PlanFields> = {}, init = `${process.pid} ${own}\n`): { root: string; dir: string } {
  count += 1
  const root = join(work, `root${count}`)
  const dir = join(root, 'c1')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'plan'), encodePlan(makePlan(fields)))
  if (init !== '') writeFileSync(join(dir, 'init'), init)
  return { root, dir }
}

test('running: init lives and does not wait', () => {
  const { root } = store()
  const container = readContainer(root, 'c1')
  assert.is(container.status, 'running')
  assert.equal(toReport(container), {
    ociVersion: '1.3.0',
    id: 'c1',
    pid: process.pid,
    status: 'running',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: '2026-01-02T03:04:05.678Z',
    owner: '',
  })
})

test('running: init is another program by now, whatever was left of the start socket', () => {
  const { root, dir } = store()
  writeFileSync(join(dir, 'start.sock'), '')
  assert.is(readContainer(root, 'c1').status, 'running')
})

for (const [text, status] of [
  ['FROZEN\n', 'paused'],
  ['FREEZING\n', 'running'],
  ['THAWED\n', 'running'],
  ['1\n', 'paused'],
  ['0\n', 'running'],
] as const) {
  test(`the freezer says ${text.trim()}: ${status}`, () => {
    const freezerFile = join(work, 'freezer')
    writeFileSync(freezerFile, text)
    const { root } = store({ freezerFile })
    assert.is(readContainer(root, 'c1').status, status)
  })
}

test('stopped: no init, another process with its pid, or a pid that is free', () => {
  for (const init of ['', `${process.pid} ${own + 1n}\n`, '4194305 1\n', 'nonsense']) {
    const { root } = store({}, init)
    const container = readContainer(root, 'c1')
    assert.is(container.status, 'stopped', init)
    assert.is(toReport(container).pid, 0)
  }
})

test('an unknown container, and one without a plan yet', () => {
  const { root } = store()
  mkdirSync(join(root, 'half'))
  assert.throws(() => readContainer(root, 'c2'), /container does not exist: c2 \(looked in/)
  assert.throws(() => readContainer(root, 'half'), /container does not exist: half \(it is being created, or/)
  assert.throws(() => readContainer(root, '../c1'), /invalid container ID format/)
})

test('a damaged plan names its file', () => {
  const { root, dir } = store()
  writeFileSync(join(dir, 'plan'), 'TSPL')
  assert.throws(() => readContainer(root, 'c1'), new RegExp(`"${dir}/plan": the plan is damaged`))
})

test('list: sorted, with owners; what cannot be read is told and left out', () => {
  const { root, dir } = store()
  for (const id of ['b', 'a', 'bad']) {
    mkdirSync(join(root, id))
    writeFileSync(join(root, id, 'plan'), encodePlan(makePlan({ stateOutput: `{"id":"${id}"}` })))
  }
  writeFileSync(join(root, 'bad/plan'), 'x')
  mkdirSync(join(root, 'half'))
  writeFileSync(join(root, 'file'), '')
  const warnings: string[] = []
  const found = listContainers(root, (message) => warnings.push(message))
  assert.equal(
    found.map(({ id }) => id),
    ['a', 'b', 'c1'],
  )
  assert.is(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^list: bad: .*the plan is damaged/)
  const passwd = readFileSync('/etc/passwd', 'utf8')
  assert.is(found[2]?.owner, ownerOf(dir, passwd))
  assert.is(ownerOf(dir, ''), String(process.getuid?.()))
  assert.equal(listIds(join(work, 'nothing')), [])
})

test('ids', () => {
  for (const id of ['a', 'A_b.c-d+e', '0x10', '..a', '.hidden']) assert.is(checkContainerId(id), id)
  for (const id of ['', '.', '..', 'a/b', 'a b', '\u00e4', 'a\n', 'x'.repeat(256)]) {
    assert.throws(() => checkContainerId(id))
  }
})

test('the state root', () => {
  assert.is(resolveStateRoot('/a/b/'), '/a/b')
  assert.is(resolveStateRoot('x'), join(process.cwd(), 'x'))
  for (const root of ['/', '//', '/..', '/./']) assert.throws(() => resolveStateRoot(root), /cannot be used/)
  assert.match(resolveStateRoot(undefined), /^\/.*\/tsrun$/)
  assert.is(resolveStateRoot(''), resolveStateRoot(undefined))
})

test.run()
