// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { expandSlice, toUnit, toUnitName } from '../../../../../runtime/cgroups/systemd/unit.ts'

const path = (cgroupsPath: string | undefined, manager: 'system' | 'user' = 'system'): string =>
  toUnit(cgroupsPath, 'box', manager).path

test('cgroupsPath is slice, prefix and name', () => {
  const { name, slice, kind, path: place } = toUnit('machine.slice:libpod:abc', 'box', 'system')
  assert.equal(
    [name, slice, kind, place],
    ['libpod-abc.scope', 'machine.slice', 'scope', '/machine.slice/libpod-abc.scope'],
  )
  assert.is(path(undefined), '/system.slice/tsrun-box.scope')
  assert.is(path(undefined, 'user'), '/user.slice/tsrun-box.scope')
  assert.is(path(':p:n'), '/system.slice/p-n.scope')
  assert.is(path('::n'), '/system.slice/n.scope')
  assert.is(path('-.slice:p:n'), '/p-n.scope')
  assert.is(path('a-b.slice:p:own.slice'), '/own.slice')
  assert.is(toUnit('a-b.slice:p:own.slice', 'box', 'system').kind, 'slice')
})

test('a slice lies in those that its name says', () => {
  assert.is(expandSlice('system.slice'), '/system.slice')
  assert.is(expandSlice('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
  assert.is(expandSlice('-.slice'), '')
  for (const bad of [
    '',
    'a',
    '.slice',
    'a--b.slice',
    '-a.slice',
    'a-.slice',
    '/a.slice',
    'a b.slice',
    'a.slice/b.slice',
    'ä.slice',
  ]) {
    assert.throws(() => expandSlice(bad), /is not the name of a slice/, bad)
  }
})

test('what no unit may be named is escaped, and a name that is too long refused', () => {
  assert.is(toUnit('a.slice:p:x+y z', 'box', 'system').name, 'p-x\\x2by\\x20z.scope')
  assert.is(toUnit(undefined, 'a+b', 'system').name, 'tsrun-a\\x2bb.scope')
  assert.throws(() => toUnit(`a.slice:p:${'x'.repeat(250)}`, 'box', 'system'), /longer than 255 bytes/)
})

test('what could be a file of a cgroup has an underscore before it', () => {
  assert.is(path('a.slice::memory.x'), '/a.slice/_memory.x.scope')
  assert.is(path('a.slice::_x'), '/a.slice/__x.scope')
  assert.is(path('cgroup.x.slice:p:n'), '/_cgroup.x.slice/p-n.scope')
  assert.is(path('a.slice::memoryx'), '/a.slice/memoryx.scope')
  for (const name of ['memory.x.scope', '_x.scope', 'x.scope']) {
    assert.is(toUnitName(path(`a.slice::${name.slice(0, -6)}`).slice('/a.slice/'.length)), name)
  }
})

test('what has not three parts is refused in the words that callers know', () => {
  for (const bad of ['/a/b', 'a:b', 'a:b:c:d', 'a:b:', 'x']) {
    assert.throws(() => toUnit(bad, 'box', 'system'), /expected cgroupsPath to be of format "slice:prefix:name"/, bad)
  }
})

test.run()
